//! Where tokens may be sent.
//!
//! The calendar and SCC are called on their API Gateway URLs themselves: CloudFront in front of them drops `Authorization` and `X-*`
//! headers, so a call through it fails in a way that looks like a wrong token. A secret that names any other host is refused with that
//! reason, and a mistyped host cannot carry a token away.
//!
//! Staging is stricter: with `SERVICE_HOSTS=listed` the list alone decides, so that a secret copied from production cannot make staging
//! write into the office's calendar or mail the crew.

use reqwest::Url;

/// The hosts that may be called.
#[derive(Debug, Clone, Default)]
pub(crate) struct AllowedHosts {
    kinds: HostKinds,
    listed: Vec<String>,
}

/// What may be called beside the hosts in `ALLOWED_SERVICE_HOSTS`: `SERVICE_HOSTS`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum HostKinds {
    /// `known`: API Gateway, Lambda function URLs and loopback.
    #[default]
    Known,
    /// `listed`: nothing. Loopback, too, must be in the list.
    Listed,
}

impl HostKinds {
    /// Reads `SERVICE_HOSTS`; no value is `known`. What is neither counts as [`HostKinds::Listed`] and comes back as a fault: a typo may
    /// close staging, never open it.
    pub(crate) fn parse(value: Option<&str>) -> (Self, Option<String>) {
        match value {
            None | Some("known") => (Self::Known, None),
            Some("listed") => (Self::Listed, None),
            Some(_) => (Self::Listed, Some("SERVICE_HOSTS must be known or listed; listed is used".into())),
        }
    }
}

/// Why a URL is not called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HostError {
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
    /// [`HostKinds::Listed`], and it is not in the list.
    #[error(
        "the host {0} is not in ALLOWED_SERVICE_HOSTS, which alone decides here (SERVICE_HOSTS=listed, as in staging). If this is the \
         stand-in's own host, add it there; if it is a host of production, mend the secret"
    )]
    NotListed(String),
}

impl AllowedHosts {
    /// The hosts of `kinds`, and those that are `listed`.
    pub(crate) fn new<'a>(kinds: HostKinds, listed: impl Iterator<Item = &'a str>) -> Self {
        let listed = listed.map(|host| host.trim().to_ascii_lowercase()).filter(|host| !host.is_empty()).collect();
        Self { kinds, listed }
    }

    /// What is called for `url`, if its host may be: without spaces around it, and without a slash at its end.
    ///
    /// # Errors
    /// [`HostError`], which says what to do.
    pub(crate) fn check(&self, url: &str) -> Result<String, HostError> {
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
        let known = loopback || between(".execute-api.", ".amazonaws.com") || between(".lambda-url.", ".on.aws");
        match self.kinds {
            HostKinds::Known if !known && !self.listed.contains(&host) => Err(HostError::Host(host)),
            HostKinds::Listed if !self.listed.contains(&host) => Err(HostError::NotListed(host)),
            _ => Ok(url.as_str().trim_end_matches('/').to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        let allowed = AllowedHosts::new(HostKinds::Known, ["crew.example.org", " "].into_iter());
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
    #[test]
    fn in_staging_the_list_alone_decides() {
        let staging = " Calendar1.execute-api.us-west-2.amazonaws.com,127.0.0.1, ,";
        let allowed = AllowedHosts::new(HostKinds::Listed, staging.split(','));
        for good in ["https://calendar1.execute-api.us-west-2.amazonaws.com/prod", "http://127.0.0.1:4567/prod"] {
            assert_eq!(allowed.check(good).as_deref(), Ok(good));
        }
        for production in [
            "https://production.execute-api.us-west-2.amazonaws.com/prod",
            "https://abc123.lambda-url.us-west-2.on.aws",
            "http://localhost:4567/prod",
            "https://calendar1.execute-api.us-west-2.amazonaws.com.attacker.example/prod",
        ] {
            assert!(matches!(allowed.check(production), Err(HostError::NotListed(_))), "{production}");
        }
        assert_eq!(
            allowed.check("http://calendar1.execute-api.us-west-2.amazonaws.com/prod"),
            Err(HostError::Plain),
            "the list does not excuse a token in the clear"
        );
        let nothing = AllowedHosts::new(HostKinds::Listed, "".split(','));
        assert!(nothing.check("http://127.0.0.1:4567").is_err(), "an empty list allows nothing");
    }

    #[test]
    fn a_typo_closes_and_never_opens() {
        for (value, kinds, faulty) in [
            (None, HostKinds::Known, false),
            (Some("known"), HostKinds::Known, false),
            (Some("listed"), HostKinds::Listed, false),
            (Some("Listed"), HostKinds::Listed, true),
            (Some("know"), HostKinds::Listed, true),
        ] {
            let (read, fault) = HostKinds::parse(value);
            assert_eq!((read, fault.is_some()), (kinds, faulty), "{value:?}");
        }
    }
}
