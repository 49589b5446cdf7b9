//! Envoy's own options: what is left out or set otherwise fails closed, and says so.

use linkgate_tenant::Operation;
use linkgate_tenant::faults::{Fault, FaultRule, Point};
use linkgate_tests::hosts::ROUTE;
use linkgate_tests::peer::{Peer, Upstream};
use linkgate_tests::{ALICES_PROFILE, Issuer, policy};
use serde_json::{Value, json};

use crate::world::{World, at, configuration, envoy, of_policy, plugin, read, status};

/// Without the option Envoy gives a filter no body until its head goes on.
#[tokio::test(flavor = "multi_thread")]
async fn without_bodies_a_link_is_answered_503_and_the_option_is_named() {
    let Some(envoy) = envoy() else { return };
    let issuer = Issuer::listen().await;
    let mut document = policy(&[issuer.entry(&issuer.by_url(&json!({})))]);
    document["body_timeout"] = json!("300ms");
    document["issuers"][0]["scopes"] = json!([]);
    let mut configuration = of_policy(&envoy, &issuer, &document);
    plugin(&mut configuration, "")
        .as_object_mut()
        .expect("an object")
        .remove("allow_on_headers_stop_iteration");
    let serving = envoy.serve(&configuration).unwrap_or_else(|trouble| panic!("{trouble}"));
    let mut world = World { issuer, serving };
    assert_eq!(read(&mut Peer::connect(world.address()).await, &world.issuer.token()).await, 200);
    let mut client = Peer::connect(world.address()).await;
    client.send(link(&world.issuer.token())).await;
    assert_eq!(status(&client.message().await), 503);
    world.until_logged("set `allow_on_headers_stop_iteration: true`");
    assert_eq!(world.issuer.tenant.arrived(Operation::Link), 0);
}

/// The place of the HTTP connection manager in a configuration.
const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";

/// A link whose second token is wrong in any case.
fn link(token: &str) -> String {
    let body = r#"{"link_with":"a.b.c"}"#;
    format!(
        "POST {ALICES_PROFILE}/identities HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_retries_sends_a_request_once() {
    let Some(envoy) = envoy() else { return };
    let issuer = Issuer::listen().await;
    let world = World::changed(&envoy, issuer, &json!({}), |configuration| {
        at(configuration, &format!("{ROUTE}/route"))["retry_policy"] =
            json!({ "retry_on": "5xx,reset,connect-failure", "num_retries": 3 });
    });
    let reset = Fault::Reset { at: Point::BeforeEffect };
    world.issuer.tenant.add_fault(FaultRule::new(Operation::ReadUser, reset));
    let mut client = Peer::connect(world.address()).await;
    assert_eq!(read(&mut client, &world.issuer.token()).await, 504);
    assert_eq!(world.issuer.tenant.arrived(Operation::ReadUser), 1);
}

/// `source.address` is then what the client wrote into `x-forwarded-for`: it has the port 0, which no peer has. What Envoy
/// itself cannot read there leaves it with the peer.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_remote_address_a_client_cannot_choose_its_own() {
    let Some(envoy) = envoy() else { return };
    let peer = r#""127.0.0.1""#;
    for (uses_remote_address, believed) in [(false, "null"), (true, peer)] {
        let issuer = Issuer::listen().await;
        let mut document = policy(&[issuer.entry(&issuer.by_url(&json!({})))]);
        document["client_address"] = json!("connection");
        let mut configuration = of_policy(&envoy, &issuer, &document);
        at(&mut configuration, MANAGER)["use_remote_address"] = json!(uses_remote_address);
        let serving = envoy.serve(&configuration).unwrap_or_else(|trouble| panic!("{trouble}"));
        let mut world = World { issuer, serving };
        let claims = [
            ("203.0.113.66", believed),
            ("203.0.113.66:4711", peer),
            ("[2001:db8::66]:4711", peer),
        ];
        for (number, (claim, expected)) in claims.into_iter().enumerate() {
            let mut client = Peer::connect(world.address()).await;
            client
                .send(format!(
                    "GET {ALICES_PROFILE}{number} HTTP/1.1\r\nhost: gate\r\nx-forwarded-for: {claim}\r\n\r\n"
                ))
                .await;
            assert_eq!(status(&client.message().await), 401, "{claim}");
            let line = world.serving.process.line(linkgate_tests::hosts::PATIENCE, |line| {
                let is_own =
                    line.contains("linkgate.decision/1") && line.contains(&format!("{number}\","));
                is_own.then(|| line.to_owned())
            });
            let line = line.unwrap_or_else(|| panic!("no record of {claim}"));
            assert!(line.contains(&format!(r#""client_address":{expected}"#)), "{claim}: {line}");
        }
    }
}

/// A rewritten request finds its route anew, and where that leads Envoy does not tell before it is
/// answered. Nothing of such an answer is relayed.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_from_where_a_rewritten_request_should_not_have_gone_is_not_relayed() {
    let Some(envoy) = envoy() else { return };
    let issuer = Issuer::listen().await;
    let elsewhere = Upstream::bind();
    let authority = issuer.origin.trim_start_matches("http://").to_owned();
    let mut world = World::changed(&envoy, issuer, &json!({}), |configuration| {
        let hosts = ROUTE.strip_suffix("/0/routes/0").expect("a route of a host");
        let hosts = at(configuration, hosts).as_array_mut().expect("a list");
        let mut other = hosts[0].clone();
        other["name"] = json!("other");
        other["domains"] = json!([authority]);
        other["routes"][0]["route"]["cluster"] = json!("elsewhere");
        hosts.push(other);
        let clusters = at(configuration, "/static_resources/clusters");
        let mut cluster = clusters[0].clone();
        renamed(&mut cluster, &elsewhere);
        clusters.as_array_mut().expect("a list").push(cluster);
    });
    let mut client = Peer::connect(world.address()).await;
    let token = world.issuer.token();
    let (status, ()) = tokio::join!(read(&mut client, &token), async {
        let mut upstream = elsewhere.accept().await;
        upstream.message().await;
        upstream.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
    });
    assert_eq!(status, 504);
    world.until_logged("to lead to the cluster `upstream`, found `elsewhere`");
}

fn renamed(cluster: &mut Value, upstream: &Upstream) {
    cluster["name"] = json!("elsewhere");
    cluster["load_assignment"]["cluster_name"] = json!("elsewhere");
    let endpoint = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address";
    at(cluster, endpoint)["port_value"] = json!(upstream.address.port());
}

/// What no policy may ask for is a mistake, and Envoy does not start.
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_undoes_is_a_mistake() {
    let Some(envoy) = envoy() else { return };
    let issuer = Issuer::listen().await;
    let mut document = policy(&[issuer.entry(&issuer.by_url(&json!({})))]);
    document["metadata"] = json!({
        "credentials": "service", "service": { "token": "SERVICE" }, "include": "*", "on_refusal": "undo",
    });
    let mut configuration = of_policy(&envoy, &issuer, &document);
    let own = plugin(&mut configuration, "/configuration/value");
    let mut filter: Value = serde_json::from_str(own.as_str().expect("text")).expect("JSON");
    filter["secrets"] = json!({ "SERVICE": "token" });
    *own = filter.to_string().into();
    let Err(trouble) = envoy.serve(&configuration) else { panic!("it serves") };
    let said = trouble.to_string();
    let expected = "/policy/metadata/on_refusal: expected no `on_refusal`, found one";
    assert!(said.contains(expected), "{said}");
}

/// What is wrong with the filter's own part is reported with its place, and no value.
#[tokio::test(flavor = "multi_thread")]
async fn a_place_of_keys_without_a_cluster_is_a_mistake() {
    let Some(envoy) = envoy() else { return };
    let issuer = Issuer::listen().await;
    let mut configuration = configuration(&envoy, &issuer, &json!({}));
    let own = plugin(&mut configuration, "/configuration/value");
    let mut filter: Value = serde_json::from_str(own.as_str().expect("text")).expect("JSON");
    filter["clusters"] = json!({});
    *own = filter.to_string().into();
    let Err(trouble) = envoy.serve(&configuration) else { panic!("it serves") };
    assert!(
        trouble.to_string().contains("/clusters: expected a cluster for `127.0.0.1:"),
        "{trouble}"
    );
}
