//! The key of signed overrides: HMAC-SHA256 over a dictionary (RFC 9651) and the namespace.
//! In: a secret, and a dictionary without its signature. Out: a signature; the key is shown nowhere.

use hmac::{Hmac, KeyInit, Mac};
use sfv::Dictionary;
use sha2::Sha256;
use std::fmt;

/// An HMAC-SHA256 key. Never shown.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(not shown)")
    }
}

impl SigningKey {
    /// Shorter secrets can be guessed from one signature, in bytes.
    pub const SHORTEST: usize = 16;

    /// Whether this secret can be guessed.
    pub fn is_short(secret: &[u8]) -> bool {
        secret.len() < SigningKey::SHORTEST
    }

    /// `None` for an empty key.
    pub fn new(secret: &[u8]) -> Option<SigningKey> {
        if secret.is_empty() {
            None
        } else {
            Hmac::new_from_slice(secret).ok().map(SigningKey)
        }
    }

    /// Signs a dictionary that has `exp` and no `sig`.
    pub fn sign(&self, namespace: Option<&str>, dictionary: &Dictionary) -> Option<Vec<u8>> {
        Some(
            self.message(namespace, dictionary)?
                .finalize()
                .into_bytes()
                .to_vec(),
        )
    }

    /// Whether this signs the dictionary, which has `exp` and no `sig`; `None` where it cannot be written.
    pub fn verify(
        &self,
        namespace: Option<&str>,
        dictionary: &Dictionary,
        signature: &[u8],
    ) -> Option<bool> {
        let message = self.message(namespace, dictionary)?;
        Some(message.verify_slice(signature).is_ok())
    }

    fn message(&self, namespace: Option<&str>, dictionary: &Dictionary) -> Option<Hmac<Sha256>> {
        use sfv::FieldType as _;
        let canonical = dictionary.serialize()?;
        let message = format!(
            "burgee-override/1\n{}\n{canonical}",
            namespace.unwrap_or_default()
        );
        Some(self.0.clone().chain_update(message.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_shown() {
        let key = SigningKey::new(b"a secret").unwrap();
        assert_eq!(format!("{key:?}"), "Key(not shown)");
    }
}
