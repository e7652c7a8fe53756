//! One document of the web, for the operator's own purposes such as an issuer's keys.
//!
//! It does not know what the document says. Each call opens a connection of its own, to the host of
//! the address and no other; redirects are not followed.

use crate::client::Client;
use crate::vendor;
use crate::{Headers, Timeouts, VendorName};
use yizhan_domain::Result;

/// How long it may take, in seconds.
const TIMEOUTS: Timeouts = Timeouts { connect: 5.0, first_byte: 10.0, idle: 10.0, total: 10.0 };

/// The document at this address, `https` or `http`. `ProviderFailed` or `Timeout` when it cannot be had.
pub async fn fetch(url: &str) -> Result<Vec<u8>> {
    let hooks = vendor::of(VendorName::Compatible);
    let client = Client::new(url, hooks, None, &Headers::default(), TIMEOUTS, None)?;
    let uri = client.route(url)?;
    let fetched = client.get_whole(&uri).await;
    fetched.map(Into::into).map_err(|failure| failure.tell(url, hooks))
}
