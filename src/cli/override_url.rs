//! The link that carries an override.
//! In: a URL, the name of a query parameter, a signed value. Out: the URL with that parameter, or why a browser could not open it.

use crate::{engine::source::percent_decoded, http::client::percent_encoded};
use http::Uri;

/// Before the fragment, which browsers do not send; in place of a parameter of the same name, which would be read first.
pub(super) fn link(url: &str, parameter: &str, value: &str) -> Result<String, String> {
    let (address, fragment) = match url.split_once('#') {
        Some((address, fragment)) => (address, format!("#{fragment}")),
        None => (url, String::new()),
    };
    let parsed = address.parse::<Uri>().ok();
    let has_host = |uri: &Uri| uri.host().is_some_and(|host| !host.is_empty());
    let is_web = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https")) && has_host(uri);
    if !parsed.is_some_and(|uri| is_web(&uri)) {
        return Err(format!(
            "`--url {url}` is no URL of a page: write it as https://shop.example/"
        ));
    }
    let (page, query) = address.split_once('?').unwrap_or((address, ""));
    let is_other = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        !pair.is_empty() && *percent_decoded(name) != *parameter.as_bytes()
    };
    let ours = format!("{}={}", percent_encoded(parameter), percent_encoded(value));
    let pairs = query.split('&').filter(is_other).chain([&*ours]);
    let query = pairs.collect::<Vec<_>>().join("&");
    Ok(format!("{page}?{query}{fragment}"))
}

#[cfg(test)]
mod tests {
    use super::link;

    #[test]
    fn a_link_carries_the_override_where_a_server_reads_it() {
        for (url, parameter, expected) in [
            (
                "https://shop.example/",
                "ff",
                "https://shop.example/?ff=a%3Db",
            ),
            (
                "https://shop.example",
                "ff",
                "https://shop.example?ff=a%3Db",
            ),
            (
                "https://shop.example/#/cart",
                "ff",
                "https://shop.example/?ff=a%3Db#/cart",
            ),
            (
                "https://shop.example/x?a=1#/cart?b=2",
                "ff",
                "https://shop.example/x?a=1&ff=a%3Db#/cart?b=2",
            ),
            (
                "https://shop.example/?ff=old&a=1",
                "ff",
                "https://shop.example/?a=1&ff=a%3Db",
            ),
            (
                "https://shop.example/?%66f=old",
                "ff",
                "https://shop.example/?ff=a%3Db",
            ),
            (
                "https://shop.example/?ffx=1&",
                "ff",
                "https://shop.example/?ffx=1&ff=a%3Db",
            ),
            (
                "http://127.0.0.1:3524/",
                "a b",
                "http://127.0.0.1:3524/?a%20b=a%3Db",
            ),
            ("http://[::1]:3524/", "ff", "http://[::1]:3524/?ff=a%3Db"),
        ] {
            assert_eq!(link(url, parameter, "a=b").as_deref(), Ok(expected));
        }
        for url in [
            "shop.example",
            "/cart",
            "",
            "ftp://shop.example/",
            "https:///cart",
            "https://shop.example/a b",
            "#x",
        ] {
            let why = link(url, "ff", "a=b").unwrap_err();
            assert!(why.contains("is no URL of a page"), "{url}: {why}");
        }
    }
}
