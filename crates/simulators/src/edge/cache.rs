//! What the edge has seen, until it is too old or invalidated.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use axum::body::Bytes;
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;

const ENTRIES_AT_MOST: usize = 1_000;
/// What CloudFront's managed policy *CachingOptimized* takes when the origin says nothing.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(86_400);
/// What `infra/guest-site.yaml` says, and what CloudFront does by itself.
const ERROR_LIFETIME: Duration = Duration::from_secs(10);

/// An answer of the origin, as it can be given again.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    since: Timestamp,
}

impl Object {
    /// What the origin answered at `since`.
    pub(super) fn new(status: StatusCode, headers: HeaderMap, body: Bytes, since: Timestamp) -> Self {
        Self { status, headers, body, since }
    }

    pub(super) fn age(&self, now: Timestamp) -> Duration {
        Duration::try_from(now.duration_since(self.since)).unwrap_or_default()
    }

    /// The same content under another status: an error page is an object like any other.
    pub(super) fn with(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        self.age(now) < lifetime(self.status, &self.headers)
    }
}

/// An invalidation that the control plane lists.
#[derive(Debug)]
pub(super) struct Invalidation {
    pub(super) id: String,
    pub(super) paths: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct Cache {
    objects: HashMap<String, Object>,
    applied: HashSet<String>,
}

impl Cache {
    pub(super) fn get(&self, path: &str, now: Timestamp) -> Option<Object> {
        self.objects.get(path).filter(|object| object.is_fresh(now)).cloned()
    }

    /// Keeps `object`, unless something was invalidated since `generation`: it may be older than that.
    pub(super) fn put(&mut self, path: String, object: Object, generation: usize) {
        if generation != self.generation() || !object.is_fresh(object.since) {
            return;
        }
        if self.objects.len() == ENTRIES_AT_MOST {
            self.objects.clear();
        }
        self.objects.insert(path, object);
    }

    /// Grows with each invalidation.
    pub(super) fn generation(&self) -> usize {
        self.applied.len()
    }

    pub(super) fn has_applied(&self, invalidation_id: &str) -> bool {
        self.applied.contains(invalidation_id)
    }

    /// Drops what the invalidation names: exact paths, or everything that starts with what stands before a last `*`.
    pub(super) fn apply(&mut self, invalidation: Invalidation) {
        if self.applied.insert(invalidation.id) {
            self.objects.retain(|path, _| !invalidation.paths.iter().any(|pattern| names(pattern, path)));
        }
    }
}

fn names(pattern: &str, path: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == path, |start| path.starts_with(start))
}

/// How long the edge may give an answer again, by the origin's `Cache-Control`.
fn lifetime(status: StatusCode, headers: &HeaderMap) -> Duration {
    if !status.is_success() {
        return ERROR_LIFETIME;
    }
    let control = headers.get(header::CACHE_CONTROL).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let directives: HashMap<_, _> = control
        .split(',')
        .map(|directive| directive.trim().split_once('=').unwrap_or((directive.trim(), "")))
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect();
    if ["no-store", "no-cache", "private"].iter().any(|name| directives.contains_key(*name)) {
        return Duration::ZERO;
    }
    let seconds = directives.get("s-maxage").or_else(|| directives.get("max-age"));
    seconds.map_or(DEFAULT_LIFETIME, |seconds| Duration::from_secs(seconds.parse().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(control: &'static str) -> Object {
        let headers = [(header::CACHE_CONTROL, control.parse().expect("a valid header"))].into_iter().collect();
        Object::new(StatusCode::OK, headers, Bytes::from_static(b"a page"), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn the_edge_keeps_objects_by_their_shared_age() {
        for (control, seconds) in [
            ("public, max-age=0, s-maxage=86400, must-revalidate", 86_400),
            ("max-age=60", 60),
            ("public", 86_400),
            ("no-store", 0),
            ("private, s-maxage=60", 0),
            ("s-maxage=nonsense", 0),
        ] {
            let object = object(control);
            assert_eq!(lifetime(StatusCode::OK, &object.headers), Duration::from_secs(seconds), "{control}");
            assert_eq!(lifetime(StatusCode::FORBIDDEN, &object.headers), ERROR_LIFETIME);
        }
    }

    #[test]
    fn an_invalidation_drops_what_it_names_once() {
        for (pattern, dropped) in
            [("/g/A.html", true), ("/g/*", true), ("/*", true), ("/g/A", false), ("/g/B.html", false), ("/h*", false)]
        {
            let mut cache = Cache::default();
            cache.put("/g/A.html".to_owned(), object(""), 0);
            cache.apply(Invalidation { id: "I1".to_owned(), paths: vec![pattern.to_owned()] });
            assert_eq!(cache.get("/g/A.html", Timestamp::UNIX_EPOCH).is_none(), dropped, "{pattern}");

            cache.put("/g/A.html".to_owned(), object(""), cache.generation());
            cache.apply(Invalidation { id: "I1".to_owned(), paths: vec![pattern.to_owned()] });
            assert!(cache.get("/g/A.html", Timestamp::UNIX_EPOCH).is_some(), "an invalidation is applied once");
        }
    }

    #[test]
    fn what_was_fetched_before_an_invalidation_is_not_kept() {
        let mut cache = Cache::default();
        let generation = cache.generation();
        cache.apply(Invalidation { id: "I1".to_owned(), paths: vec!["/g/A.html".to_owned()] });
        cache.put("/g/A.html".to_owned(), object(""), generation);
        assert!(cache.get("/g/A.html", Timestamp::UNIX_EPOCH).is_none());
    }

    #[test]
    fn a_miss_is_forgotten_within_seconds() {
        let mut cache = Cache::default();
        let missing = Object::new(StatusCode::FORBIDDEN, HeaderMap::new(), Bytes::new(), Timestamp::UNIX_EPOCH);
        cache.put("/g/A.html".to_owned(), missing, 0);
        let after = |seconds: i64| Timestamp::from_second(seconds).expect("valid");
        assert_eq!([9, 10].map(|seconds| cache.get("/g/A.html", after(seconds)).is_some()), [true, false]);
    }
}
