// The function that CloudFront runs on every request of the guest site: what it rewrites, and that it never throws.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import vm from 'node:vm';

const SOURCE = readFileSync(new URL('../../infra/viewer-request.js', import.meta.url), 'utf8');
const SOURCE_LIMIT_BYTES = 10 * 1024; // CloudFront's own.
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

// As at the edge: nothing but the language itself is there, and each request meets a fresh engine.
function handler(event) {
  return vm.runInNewContext(`${SOURCE}; handler`, {}, { timeout: 100 })(event);
}

function rewritten(uri) {
  return handler({ version: '1.0', request: { method: 'GET', uri, querystring: {}, headers: {}, cookies: {} } }).uri;
}

test('a clean link leads to the page, in either case', () => {
  for (const [uri, expected] of [
    ['/g/XHQGMDH1', '/g/XHQGMDH1.html'],
    ['/g/xhqgmdh1', '/g/XHQGMDH1.html'],
    ['/g/XhQgMdH1', '/g/XHQGMDH1.html'],
    ['/g/XHQGMDH1/', '/g/XHQGMDH1.html'],
    ['/g/01234567', '/g/01234567.html'],
  ]) assert.equal(rewritten(uri), expected, uri);
});

test('both files are let through with their id in upper case', () => {
  for (const [uri, expected] of [
    ['/g/XHQGMDH1.html', '/g/XHQGMDH1.html'],
    ['/g/xhqgmdh1.html', '/g/XHQGMDH1.html'],
    ['/g/XHQGMDH1.ics', '/g/XHQGMDH1.ics'],
    ['/g/xhqgmdh1.ics', '/g/XHQGMDH1.ics'],
  ]) assert.equal(rewritten(uri), expected, uri);
});

test('every character counts, and I, L, O and U are none', () => {
  for (const character of '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ') {
    const uri = `/g/XHQGMDH${character}`;
    const known = CROCKFORD.includes(character.toUpperCase());
    assert.equal(rewritten(uri), known ? `${uri.toUpperCase().replace('/G/', '/g/')}.html` : uri);
  }
});

test('every other path is left alone', () => {
  for (const uri of [
    '/', '', '*', '/g', '/g/', '/g//', '/g/not-found.html', '/index.html', '/a/g/XHQGMDH1', '/G/XHQGMDH1', '/g/XHQGMDH',
    '/g/XHQGMDH12', '/g/XHQGMDH1//', '/g/XHQGMDH1.html/', '/g/XHQGMDH1.htm', '/g/XHQGMDH1.HTML', '/g/XHQGMDH1.ics.html',
    '/g/XHQGMDH1/photo', '/g/XHQGMDH1 ', '/g/XHQGMDH1\n', '\n/g/XHQGMDH1', '/g/../g/XHQGMDH1', '/g/./XHQGMDH1',
  ]) assert.equal(rewritten(uri), uri, JSON.stringify(uri));
});

// S3 takes a name as it is written.
test('an encoded path is left alone', () => {
  for (const uri of [
    '/%67/XHQGMDH1', '/g/XHQGMDH%31', '/g%2FXHQGMDH1', '/g/%2e%2e/x', '/g/%', '/g/%zz', '/g/%00%0A%0D', '/g/%C5%BFHQGMDH1',
    '/g/ſHQGMDH1', '/g/ＸＨＱＧＭＤＨ１', '/g/\u0000HQGMDH1', '/g/\ud800',
  ]) assert.equal(rewritten(uri), uri, JSON.stringify(uri));
});

test('a path of any length is answered at once', () => {
  for (const uri of [`/g/${'A'.repeat(1e6)}`, `/g/XHQGMDH1${'/'.repeat(1e6)}`, '/g/'.repeat(5e5), `/g/XHQGMDH1.html${'%'.repeat(1e6)}`]) {
    assert.equal(rewritten(uri), uri);
  }
});

test('an impossible event is handed back, not thrown', () => {
  for (const event of [undefined, null, 0, '', 'event', {}, [], { request: null }, { request: undefined }]) {
    assert.doesNotThrow(() => handler(event), JSON.stringify(event));
  }
  for (const request of [{}, { uri: null }, { uri: 7 }, { uri: ['/g/XHQGMDH1'] }, { uri: { toString: () => '/g/XHQGMDH1' } }]) {
    assert.equal(handler({ request }), request);
    assert.notEqual(request.uri, '/g/XHQGMDH1.html');
  }
});

test('nothing but the path is touched', () => {
  const request = {
    method: 'HEAD', uri: '/g/xhqgmdh1', querystring: { utm_source: { value: 'mail' } },
    headers: { host: { value: 'queenofsandiego.com' } }, cookies: { seen: { value: '1' } },
  };
  const before = structuredClone(request);
  assert.equal(handler({ request }), request);
  assert.deepEqual(request, { ...before, uri: '/g/XHQGMDH1.html' });
});

test('it is small enough and uses no API that CloudFront lacks', () => {
  assert.ok(Buffer.byteLength(SOURCE) < SOURCE_LIMIT_BYTES);
  const code = SOURCE.replace(/\/\/.*$/gm, '');
  assert.doesNotMatch(code, /\b(import|require|process|console|fetch|setTimeout|eval|Function|async|await)\b|\?\./);
});
