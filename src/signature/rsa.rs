//! RSA signatures (RFC 8017 section 8): the expected encoding is built and compared whole, so there is
//! no padding to be parsed leniently.
//!
//! With the feature `kernels` the public operation is [`montgomery`]'s where the machine has the
//! instruction that it needs, and where that passes the test at first use. Everywhere else all of it is
//! the `rsa` crate's.

#[cfg(feature = "kernels")]
mod encoding;
#[cfg(feature = "kernels")]
pub(crate) mod limbs;
#[cfg(feature = "kernels")]
pub(crate) mod montgomery;
#[cfg(feature = "kernels")]
pub(crate) mod pair;

#[cfg(feature = "kernels")]
use self::pair::{Arithmetic, Hardware};
use super::digest;
use crate::alg::Hash;
use crate::keys::RsaKey;
use rsa::pkcs1v15::Pkcs1v15Sign;
use rsa::pss::Pss;
use sha2::{Sha256, Sha384, Sha512};

/// How a hash becomes what is signed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Padding {
    /// RSASSA-PKCS1-v1_5.
    Pkcs1,
    /// RSASSA-PSS, mask generation with the same hash and a salt of exactly its length (RFC 7518 section
    /// 3.5).
    Pss,
}

/// A signature of a message, said to be by a key.
#[derive(Clone, Copy)]
pub(crate) struct Claimed<'a> {
    pub(crate) padding: Padding,
    pub(crate) hash: Hash,
    pub(crate) key: &'a RsaKey,
    pub(crate) message: &'a [u8],
    pub(crate) signature: &'a [u8],
}

impl Claimed<'_> {
    /// Whether it is one, as long as the modulus.
    pub(super) fn is_valid(self) -> bool {
        #[cfg(feature = "kernels")]
        return self.is_valid_by_trusted::<Hardware>();
        #[cfg(not(feature = "kernels"))]
        self.is_valid_by_crate()
    }

    /// By the kernel where its arithmetic is trusted, else by the crate.
    #[cfg(feature = "kernels")]
    pub(super) fn is_valid_by_trusted<A: Arithmetic>(self) -> bool {
        if A::is_trusted() { self.is_valid_by_kernel::<A>() } else { self.is_valid_by_crate() }
    }

    #[cfg(feature = "kernels")]
    pub(super) fn is_valid_by_kernel<A: Arithmetic>(self) -> bool {
        let Some(representative) = self.key.montgomery().raise::<A>(self.signature) else {
            return false;
        };
        let hashed = digest(self.hash, self.message);
        match self.padding {
            Padding::Pkcs1 => encoding::is_pkcs1(self.hash, &hashed, &representative),
            Padding::Pss => encoding::is_pss(self.hash, &hashed, self.key.bits(), &representative),
        }
    }

    pub(super) fn is_valid_by_crate(self) -> bool {
        let hashed = digest(self.hash, self.message);
        let (key, salt) = (self.key.inner(), self.hash.bytes());
        macro_rules! verify_with {
            ($hash:ty) => {
                match self.padding {
                    Padding::Pkcs1 => {
                        key.verify(Pkcs1v15Sign::new::<$hash>(), &hashed, self.signature)
                    }
                    Padding::Pss => {
                        key.verify(Pss::<$hash>::new_with_salt(salt), &hashed, self.signature)
                    }
                }
            };
        }
        match self.hash {
            Hash::Sha256 => verify_with!(Sha256),
            Hash::Sha384 => verify_with!(Sha384),
            Hash::Sha512 => verify_with!(Sha512),
        }
        .is_ok()
    }
}
