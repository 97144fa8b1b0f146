//! A thousand people who come to the demo at once: made up, and each does the same each time. In: where the sidecar listens, how many
//! came before. Out: requests like those of browsers. Whoever gets silver buys more often, so that there is something to find.

use crate::http::client::{self, Address};
use http::{Request, header};
use std::{io, net::SocketAddr, time::Duration};
use xxhash_rust::xxh3::xxh3_64;

/// How many come at once.
pub(super) const CROWD: usize = 1000;

const PATIENCE: Duration = Duration::from_secs(10);

/// They come, one after the other.
pub(super) async fn come(at: SocketAddr, before: usize) -> io::Result<()> {
    let address = Address::Tcp(vec![at]);
    for number in before..before + CROWD {
        let visitor = format!("visitor-{number}");
        let page = visit(&address, "/", &visitor).await?;
        if buys(&page, &visitor) {
            visit(&address, "/buy", &visitor).await?;
        }
    }
    Ok(())
}

async fn visit(address: &Address, path: &str, visitor: &str) -> io::Result<Vec<u8>> {
    let request = Request::get(path).header(header::COOKIE, format!("user_id={visitor}"));
    let response = client::send(address, request, PATIENCE).await?;
    Ok(response.into_body().into())
}

/// Of 100 with silver 30, of 100 others 15.
fn buys(page: &[u8], visitor: &str) -> bool {
    let silver = memchr::memmem::find(page, b"X-Feature-Briefcase: silver").is_some();
    xxh3_64(visitor.as_bytes()) % 100 < if silver { 30 } else { 15 }
}
