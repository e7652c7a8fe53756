//! Networks that a key may be shown from, written as `10.0.0.0/8`, `2001:db8::/32` or one address.
//!
//! It does not know how the caller's address was found out.

use std::net::{IpAddr, Ipv6Addr};
use yizhan_domain::{Error, Result};

/// A range of addresses. IPv4 addresses are kept as the IPv6 ones that map them, so that a caller who
/// comes by either is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    first: u128,
    mask: u128,
}

impl Network {
    /// `InvalidRequest` for what is neither address nor network.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        Self::read(text.trim()).ok_or_else(|| {
            let shown: String = text.chars().take(60).collect();
            let message = format!("'{shown}' is no network. Write it like 10.0.0.0/8, 2001:db8::/32 or 192.0.2.7.");
            Error::invalid("networks", message)
        })
    }

    fn read(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let widest: u32 = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            None => widest,
            Some(digits) if digits.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|length| *length <= widest)?
            }
            Some(_) => return None,
        };
        let free = widest - length;
        let mask = u128::MAX.checked_shl(free).unwrap_or(0);
        Some(Self { first: number(address) & mask, mask })
    }

    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        number(address) & self.mask == self.first
    }
}

fn number(address: IpAddr) -> u128 {
    let mapped: Ipv6Addr = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    mapped.to_bits()
}

#[cfg(test)]
#[path = "network_tests.rs"]
mod tests;
