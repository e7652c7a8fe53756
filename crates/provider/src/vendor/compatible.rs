//! Any other server with OpenAI's routes: requests go as they are.

use super::Vendor;

pub(crate) struct Compatible;

impl Vendor for Compatible {}
