//! `linkgate serve --tls-cert --tls-key`: what stops the start, and files that change.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

/// A folder of this test's own, with a policy, a certificate and its key.
struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let policy = r#"{"version": 1, "issuers": [{"issuer": "https://t.example/", "audiences": ["a"],
            "keys": {"jwks_uri": "https://t.example/jwks"}}]}"#;
        fs::write(folder.join("policy.json"), policy).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn serve(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_linkgate"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--upstream", "http://127.0.0.1:9"]);
        command.args(["--config", &self.path("policy.json"), "--tls-cert", &self.path("cert.pem")]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A certificate and its key, in PEM.
fn pair() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

struct Gateway(Child, BufReader<ChildStderr>);

impl Gateway {
    /// Reads on until it says that.
    fn hears(&mut self, part: &str) {
        let mut said = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.1.read_line(&mut line).unwrap(), 0, "it ended after:\n{said}");
            said.push_str(&line);
            if line.contains(part) {
                return;
            }
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_pair_that_cannot_be_used_stops_the_start() {
    let files = Files::new("bad-pair");
    let ((cert, key), (_, other_key)) = (pair(), pair());
    for (row, cert, key, part) in [
        ("no certificate", "nonsense", key.as_str(), "holds no certificate in PEM form"),
        ("no key", &cert, "nonsense", "holds no private key in PEM form"),
        ("another's key", &cert, &other_key, "cert.pem"),
    ] {
        fs::write(files.path("cert.pem"), cert).unwrap();
        fs::write(files.path("key.pem"), key).unwrap();
        let output = files.serve().args(["--tls-key", &files.path("key.pem")]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{row}: {said}");
        assert!(said.contains(part) && said.contains("nothing was started"), "{row}: {said}");
        assert!(!said.contains("BEGIN"), "{row}: {said}");
    }
    let output = files.serve().output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains("--tls-key"), "{said}");
}

#[test]
fn changed_files_are_taken_over_once_they_fit() {
    let files = Files::new("changed");
    let ((cert, key), (new_cert, new_key)) = (pair(), pair());
    fs::write(files.path("cert.pem"), cert).unwrap();
    fs::write(files.path("key.pem"), key).unwrap();
    let mut child = files.serve().args(["--tls-key", &files.path("key.pem")]).spawn().unwrap();
    let output = BufReader::new(child.stderr.take().unwrap());
    let mut gateway = Gateway(child, output);
    gateway.hears("listening on https://127.0.0.1:");
    fs::write(files.path("cert.pem"), new_cert).unwrap();
    gateway.hears("not reloaded, the certificate before it is still serving");
    fs::write(files.path("key.pem"), new_key).unwrap();
    gateway.hears("reloaded ");
}
