//! Where tokens may be sent.
//!
//! The calendar and SCC are called on their API Gateway URLs themselves: CloudFront in front of them drops `Authorization` and `X-*`
//! headers, so a call through it fails in a way that looks like a wrong token. A secret that names any other host is refused with that
//! reason, and a mistyped host cannot carry a token away.

use reqwest::Url;

/// The hosts that may be called: API Gateway, Lambda function URLs, loopback, and an explicit list.
#[derive(Debug, Clone, Default)]
pub struct AllowedHosts {
    explicit: Vec<String>,
}

/// Why a URL is not called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Not an absolute URL.
    #[error("it is no absolute URL")]
    Malformed,
    /// The token would travel in the clear.
    #[error("it must begin with https://")]
    Plain,
    /// CloudFront, or anything else that is not known to pass our headers on.
    #[error(
        "the host {0} is neither an API Gateway (*.execute-api.*.amazonaws.com) nor a Lambda function URL (*.lambda-url.*.on.aws): \
         CloudFront drops the headers that carry the token. Use the service's API Gateway URL, or add the host to ALLOWED_SERVICE_HOSTS"
    )]
    Host(String),
}

impl AllowedHosts {
    /// `explicit` hosts are allowed beside the known kinds.
    pub fn new<'a>(explicit: impl Iterator<Item = &'a str>) -> Self {
        Self {
            explicit: explicit.map(|host| host.trim().to_ascii_lowercase()).filter(|host| !host.is_empty()).collect(),
        }
    }

    /// What is called for `url`, if its host may be: without spaces around it, and without a slash at its end.
    ///
    /// # Errors
    /// [`HostError`], which says what to do.
    pub fn check(&self, url: &str) -> Result<String, HostError> {
        let Ok(url) = Url::parse(url) else { return Err(HostError::Malformed) };
        let host = url.host_str().ok_or(HostError::Malformed)?.to_ascii_lowercase();
        let loopback = host == "localhost"
            || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        if url.scheme() != "https" && !loopback {
            return Err(HostError::Plain);
        }
        let between = |middle: &str, end: &str| {
            host.strip_suffix(end).and_then(|rest| rest.split_once(middle)).is_some_and(|(api, region)| {
                let plain = |text: &str| {
                    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                };
                plain(api) && plain(region)
            })
        };
        let known = between(".execute-api.", ".amazonaws.com") || between(".lambda-url.", ".on.aws");
        if known || loopback || self.explicit.contains(&host) {
            Ok(url.as_str().trim_end_matches('/').to_owned())
        } else {
            Err(HostError::Host(host))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        let allowed = AllowedHosts::new(["crew.example.org", " "].into_iter());
        for (good, called) in [
            (
                "https://abc123.execute-api.us-west-2.amazonaws.com/prod",
                "https://abc123.execute-api.us-west-2.amazonaws.com/prod",
            ),
            ("https://abc123.lambda-url.us-west-2.on.aws/", "https://abc123.lambda-url.us-west-2.on.aws"),
            ("http://127.0.0.1:4567/prod//", "http://127.0.0.1:4567/prod"),
            ("http://localhost:4567", "http://localhost:4567"),
            (" https://Crew.Example.org/prod/\n", "https://crew.example.org/prod"),
        ] {
            assert_eq!(allowed.check(good).as_deref(), Ok(called), "{good}");
        }
        for bad in [
            "https://d111111abcdef8.cloudfront.net/prod",
            "https://execute-api.us-west-2.amazonaws.com/prod",
            "https://abc.execute-api.us-west-2.amazonaws.com.attacker.example/prod",
            "https://attacker.example/.execute-api.us-west-2.amazonaws.com",
            "http://abc123.execute-api.us-west-2.amazonaws.com/prod",
            "crew.example.org",
            "",
        ] {
            assert!(allowed.check(bad).is_err(), "{bad}");
        }
    }
}
