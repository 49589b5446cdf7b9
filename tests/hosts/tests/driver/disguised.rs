//! Requests that a laxer server behind the gate would take for others, written by hand: whatever the
//! host's parser makes of the bytes, nothing of them reaches the upstream.

use linkgate_tests::hosts::Running as _;

use crate::stage::Stage;

/// Head lines of requests under a `pass` prefix, and the cause that each is refused for.
const DISGUISED: [(&str, &str); 14] = [
    ("GET /app/x HTTP/1.1\r\nX_Original_URL: /api/v2/users/x", "path-override"),
    ("GET /app/x HTTP/1.1\r\nx_ORIGINAL-url: /api/v2/users/x", "path-override"),
    ("GET /app/x HTTP/1.1\r\nX.Rewrite.Url:/api/v2/users/x", "path-override"),
    ("GET /app/x HTTP/1.1\r\nX-Forwarded-Prefix: /api/v2/users", "path-override"),
    ("GET /app/x HTTP/1.1\r\nX-WAWS-Unencoded-Url: /api/v2/users", "path-override"),
    ("GET /app/x HTTP/1.1\r\nX-HTTP-Method-Override: DELETE", "path-override"),
    ("GET /app/..%20/api/v2/users/x HTTP/1.1", "path-dot-segment"),
    ("GET /app/%20../api/v2/users/x HTTP/1.1", "path-dot-segment"),
    ("GET /app/..%2520/api/v2/users/x HTTP/1.1", "path-dot-segment"),
    ("GET /app/..%c2%a0/api/v2/users/x HTTP/1.1", "path-dot-segment"),
    ("GET /app/%e2%80%a5/api/v2/users/x HTTP/1.1", "path-dot-segment"),
    ("GET /authorize?request=e30.e30. HTTP/1.1", "request-object"),
    ("GET /authorize?x=1&request_uri=urn%3Ax HTTP/1.1", "request-object"),
    ("GET /authorize/?%2572equest=e30.e30. HTTP/1.1", "request-object"),
];

#[tokio::test]
async fn what_a_lax_server_would_take_for_another_request_does_not_reach_it() {
    let mut stage = Stage::set();
    for (head, cause) in DISGUISED {
        let mut client = stage.client().await;
        client.send(format!("{head}\r\nhost: gate\r\n\r\n")).await;
        let reply = client.message().await;
        assert!(reply.starts_with("HTTP/1.1 4"), "{head:?}: {reply}");
        let record = stage.record();
        assert_eq!(record.cause, cause, "{head:?}");
        assert!(!record.upstream_called, "{head:?}");
    }
    stage.upstream.has_no_more("any request");
    assert!(!stage.serving.output().contains("panicked"), "{}", stage.serving.output());
}
