//! ECDSA signatures (FIPS 186-5 section 6.4.2): the crates of the curves compute.
//!
//! ```text
//!  first signature of a key ─▶ the crate's own verifier
//!  each that follows ───────▶ u1 · G + u2 · Q, each number cut in pieces, and for each piece a prepared point
//! ```
//!
//! Two points times two numbers of 256 bits take 256 doublings. Cut into eight, they take 32, once the points times
//! 2^32, 2^64 … are there. Those cost as much as two signatures: a key that is used once never has them made.
//!
//! It makes no signatures and has no private keys: nothing here is secret, so nothing has to take constant time.

use std::array;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use ecdsa::{EcdsaCurve, Signature, hazmat};
use elliptic_curve::array::typenum::U5;
use elliptic_curve::group::{Curve as _, Group};
use elliptic_curve::ops::{Invert as _, Reduce};
use elliptic_curve::point::AffineCoordinates;
use elliptic_curve::{CurveArithmetic, FieldBytes, ProjectivePoint, PublicKey, Scalar};
use wnaf::{WnafBase, WnafScalar, WnafSize};

/// Into how many pieces a number is cut.
const PIECES: usize = 8;

/// A point, times 2^0, 2^n, 2^2n …, where n is the width of a piece: of each what its small multiples are.
type Prepared<C> = [WnafBase<ProjectivePoint<C>, U5>; PIECES];

/// A curve whose points this takes.
pub trait EllipticCurve:
    EcdsaCurve + CurveArithmetic<Scalar: WnafSize, ProjectivePoint: Group<Scalar = Scalar<Self>>>
{
    /// The generator, prepared.
    fn generator() -> &'static OnceLock<Prepared<Self>>;
}

impl EllipticCurve for p256::NistP256 {
    fn generator() -> &'static OnceLock<Prepared<Self>> {
        static GENERATOR: OnceLock<Prepared<p256::NistP256>> = OnceLock::new();
        &GENERATOR
    }
}

impl EllipticCurve for p384::NistP384 {
    fn generator() -> &'static OnceLock<Prepared<Self>> {
        static GENERATOR: OnceLock<Prepared<p384::NistP384>> = OnceLock::new();
        &GENERATOR
    }
}

/// A public key.
pub struct EcdsaKey<C: EllipticCurve> {
    point: ProjectivePoint<C>,
    /// A signature was verified with it.
    is_used: AtomicBool,
    prepared: OnceLock<Box<Prepared<C>>>,
}

impl<C: EllipticCurve> EcdsaKey<C> {
    pub(crate) fn new(key: &PublicKey<C>) -> Self {
        let point = key.to_projective();
        Self { point, is_used: AtomicBool::new(false), prepared: OnceLock::new() }
    }

    /// Whether a signature is of a message with this digest, which is as wide as the curve's order.
    pub(crate) fn holds(&self, digest: &FieldBytes<C>, signature: &Signature<C>) -> bool {
        if !self.is_used.swap(true, Ordering::Relaxed) {
            return hazmat::verify_prehashed(&self.point, digest, signature).is_ok();
        }
        let (r, s) = signature.split_scalars();
        let inverse = *s.invert_vartime();
        let u1 = <Scalar<C> as Reduce<FieldBytes<C>>>::reduce(digest) * inverse;
        let u2 = *r * inverse;
        let generator = C::generator().get_or_init(|| prepared::<C>(&Group::generator()));
        let own = self.prepared.get_or_init(|| Box::new(prepared::<C>(&self.point)));
        let (u1, u2) = (pieces::<C>(u1), pieces::<C>(u2));
        let terms = generator.iter().zip(&u1).chain(own.iter().zip(&u2));
        // Of the point at infinity x is zero here, and r is not.
        let x = WnafBase::multiscalar_mul(terms).to_affine().x();
        <Scalar<C> as Reduce<FieldBytes<C>>>::reduce(&x) == *r
    }
}

/// Bytes of a piece.
fn width<C: EllipticCurve>() -> usize {
    FieldBytes::<C>::default().len() / PIECES
}

fn prepared<C: EllipticCurve>(point: &ProjectivePoint<C>) -> Prepared<C> {
    let mut point = *point;
    array::from_fn(|_| {
        let base = WnafBase::new(&point);
        for _ in 0..8 * width::<C>() {
            point = point.double();
        }
        base
    })
}

/// The pieces of a number, the lowest first.
fn pieces<C: EllipticCurve>(number: Scalar<C>) -> [WnafScalar<Scalar<C>, U5>; PIECES] {
    let mut bytes: FieldBytes<C> = number.into();
    bytes.reverse();
    let mut chunks = bytes.chunks(width::<C>());
    array::from_fn(|_| WnafScalar::from_le_bytes(chunks.next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use elliptic_curve::ops::LinearCombination;
    use p256::NistP256;
    use p384::NistP384;
    use proptest::prelude::*;

    use super::*;

    /// A number of the curve, of its lowest bytes.
    fn number<C: EllipticCurve>(bytes: &[u8]) -> Scalar<C> {
        let mut wide = FieldBytes::<C>::default();
        wide.iter_mut().rev().zip(bytes).for_each(|(to, from)| *to = *from);
        <Scalar<C> as Reduce<FieldBytes<C>>>::reduce(&wide)
    }

    fn x_of<C: EllipticCurve>(point: &ProjectivePoint<C>) -> Scalar<C> {
        <Scalar<C> as Reduce<FieldBytes<C>>>::reduce(&point.to_affine().x())
    }

    /// The signature by `secret` with the nonce `k`.
    fn signed<C: EllipticCurve>(
        secret: Scalar<C>,
        k: Scalar<C>,
        digest: &FieldBytes<C>,
    ) -> (Scalar<C>, Scalar<C>) {
        let r = x_of::<C>(&(ProjectivePoint::<C>::generator() * k));
        let z = <Scalar<C> as Reduce<FieldBytes<C>>>::reduce(digest);
        (r, Option::<Scalar<C>>::from(k.invert()).unwrap() * (z + r * secret))
    }

    /// What the crate says, and what this says with the key prepared.
    fn both<C: EllipticCurve>(
        secret: Scalar<C>,
        digest: &FieldBytes<C>,
        (r, s): (Scalar<C>, Scalar<C>),
    ) -> [bool; 2] {
        let point = ProjectivePoint::<C>::generator() * secret;
        let key = EcdsaKey::<C>::new(&PublicKey::from_affine(point.to_affine()).unwrap());
        let signature = Signature::<C>::from_scalars(r, s).unwrap();
        [key.holds(digest, &signature), key.holds(digest, &signature)]
    }

    fn agrees<C: EllipticCurve>(secret: &[u8], k: &[u8], digest: &[u8]) {
        let one = Scalar::<C>::from(1_u64);
        let (secret, k) = (number::<C>(secret) + one, number::<C>(k) + one);
        let digest: FieldBytes<C> = number::<C>(digest).into();
        let mut other = digest;
        other[0] ^= 1;
        let (r, s) = signed::<C>(secret, k, &digest);
        assert_eq!(both::<C>(secret, &digest, (r, s)), [true, true], "good");
        for (row, key, digest, signature) in [
            ("digest", secret, &other, (r, s)),
            ("key", secret + one, &digest, (r, s)),
            ("r", secret, &digest, (r + one, s)),
            ("s", secret, &digest, (r, s + one)),
            ("swapped", secret, &digest, (s, r)),
        ] {
            assert_eq!(both::<C>(key, digest, signature), [false, false], "{row}");
        }
        // The other signature with the same x: RFC 6979 and JWS know no low `s`.
        assert_eq!(both::<C>(secret, &digest, (r, -s)), [true, true], "-s");
        // u1 · G + u2 · Q is the point at infinity.
        let digest: FieldBytes<C> = (-(r * secret)).into();
        assert_eq!(both::<C>(secret, &digest, (r, s)), [false, false], "infinity");
    }

    /// The product by pieces is the product.
    fn is_cut_right<C: EllipticCurve>(left: Scalar<C>, right: Scalar<C>)
    where
        ProjectivePoint<C>: LinearCombination<[(ProjectivePoint<C>, Scalar<C>)]>,
    {
        let point = ProjectivePoint::<C>::generator().double();
        let (of_generator, of_point) = (prepared::<C>(&Group::generator()), prepared::<C>(&point));
        let (lefts, rights) = (pieces::<C>(left), pieces::<C>(right));
        let terms = of_generator.iter().zip(&lefts).chain(of_point.iter().zip(&rights));
        let expected = ProjectivePoint::<C>::lincomb(&[(Group::generator(), left), (point, right)]);
        assert_eq!(WnafBase::multiscalar_mul(terms), expected);
    }

    #[test]
    fn numbers_at_the_edge_of_a_piece_are_cut_right() {
        let numbers =
            [0_u64, 1, 15, 16, 31, u64::from(u32::MAX), 1 << 32, (1 << 48) - 1, 1 << 48, u64::MAX];
        for left in numbers {
            for right in numbers {
                is_cut_right::<NistP256>(left.into(), -Scalar::<NistP256>::from(right));
                is_cut_right::<NistP384>(-Scalar::<NistP384>::from(left), right.into());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        #[test]
        fn a_prepared_key_says_what_the_crate_says(
            secret in prop::collection::vec(any::<u8>(), 48),
            k in prop::collection::vec(any::<u8>(), 48),
            digest in prop::collection::vec(any::<u8>(), 48),
        ) {
            agrees::<NistP256>(&secret, &k, &digest);
            agrees::<NistP384>(&secret, &k, &digest);
        }
    }
}
