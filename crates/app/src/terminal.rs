//! A terminal that does not show what is typed.
//!
//! It does not know what is typed.

use yizhan_domain::{Error, Result};

/// While it lives, the terminal of standard input shows nothing of what is typed.
pub(crate) struct Unseen(libc::termios);

impl Unseen {
    pub(crate) fn begin() -> Result<Self> {
        let mut before = std::mem::MaybeUninit::<libc::termios>::uninit();
        // SAFETY: the pointer is valid for the call, which fills `before` when it returns 0.
        let before = unsafe {
            if libc::tcgetattr(libc::STDIN_FILENO, before.as_mut_ptr()) != 0 {
                return Err(failed());
            }
            before.assume_init()
        };
        let mut silent = before;
        silent.c_lflag &= !libc::ECHO;
        set(&silent)?;
        Ok(Self(before))
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        // There is nobody to tell, and nothing more to try.
        let _ = set(&self.0);
    }
}

fn set(settings: &libc::termios) -> Result<()> {
    // SAFETY: the pointer is valid for the call, which only reads it.
    match unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSAFLUSH, settings) } {
        0 => Ok(()),
        _ => Err(failed()),
    }
}

fn failed() -> Error {
    Error::io("The terminal cannot be kept from showing what is typed", std::io::Error::last_os_error())
}
