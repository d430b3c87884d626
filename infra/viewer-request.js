// Clean links: /g/XHQGMDH1 is the guest page that lies in the bucket as g/XHQGMDH1.html, however people type its id.
//
// CloudFront runs this (CloudFront Functions, runtime cloudfront-js-2.0) on every viewer request of the guest site, and so does
// the rehearsal's edge. Everything but a charter's page and calendar file passes untouched. It must never throw: a visitor would
// see CloudFront's own error page. tests/browser/viewer-request.test.js holds it to that.

// A charter id is 8 characters of Crockford base32: no I, L, O, U.
const CHARTER_FILE = /^\/g\/([0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{8})(\.html|\.ics|\/)?$/;

function handler(event) {
  const request = event && event.request;
  const match = request && typeof request.uri === 'string' && CHARTER_FILE.exec(request.uri);
  if (match) {
    const extension = match[2] === '.ics' ? '.ics' : '.html';
    request.uri = '/g/' + match[1].toUpperCase() + extension;
  }
  return request;
}
