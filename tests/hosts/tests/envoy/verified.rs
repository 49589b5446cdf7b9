//! Who verifies signatures: Envoy, by its own library, unless the policy says otherwise.

use linkgate_tests::peer::Peer;
use linkgate_tests::{Issuer, policy};
use serde_json::json;

use crate::world::{World, envoy, of_policy, read};

#[tokio::test(flavor = "multi_thread")]
async fn envoy_verifies_after_it_passed_its_test() {
    let Some(envoy) = envoy() else { return };
    for (by, other) in [("host", "component"), ("component", "host")] {
        let issuer = Issuer::listen().await;
        let entry = issuer.entry(&issuer.by_url(&json!({})));
        let mut document = policy(&[entry]);
        document["verification"] = json!(by);
        // Each algorithm that Envoy may verify is tried at the start, though this issuer signs by one of them.
        document["issuers"][0]["algorithms"] =
            json!(["RS256", "RS384", "RS512", "ES256", "ES384", "PS256", "EdDSA"]);
        let configuration = of_policy(&envoy, &issuer, &document);
        let mut world = World::with(&envoy, issuer, &configuration);
        let mut client = Peer::connect(world.address()).await;
        let good = world.issuer.token();
        let (message, signature) = good.rsplit_once('.').expect("a token");
        let flipped = if signature.starts_with('A') { "B" } else { "A" };
        let wrong = format!("{message}.{flipped}{}", signature.get(1..).expect("a signature"));
        assert_eq!(read(&mut client, &wrong).await, 401, "{by}");
        assert_eq!(read(&mut client, &good).await, 200, "{by}");
        world.until_logged("reason=bearer-invalid cause=bearer-signature-invalid");
        world.until_logged("reason=granted cause=granted");
        assert_eq!(world.stat(&format!("linkgate.verifications.{by}")), 2, "{by}");
        assert_eq!(world.stat(&format!("linkgate.verifications.{other}")), 0, "{by}");
        assert_eq!(world.logged("verification: "), 0, "{}", world.serving.process.said());
    }
}
