// Anybody with the link can open the page: what it holds, whom it tells, and what the browser would not let it do.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { MOMENTS } from '../charters.js';
import { assertQuiet, visit } from '../visitor.js';

const WEIGHT_LIMIT_BYTES = 50_000;
// Of the charters that these tests look at: surnames, what is said of money, free text, who sails.
const SECRETS = ['Whitfield', 'Ferrer', '$', 'USD', 'gross', 'anniversary', 'gate code', 'crew-1', 'captain-1'];
// Its numbers: the price, what it is made of, the gate's code.
const NUMBERS = ['840', '289', '250', '151', '4711'];
// By itself: ports and links hold any three digits by chance.
const says = (text, number) => new RegExp(`(?<![\\w-])${number}(?![\\w-])`).test(text);

export function privacy(world) {
  describe('privacy', { concurrency: 1 }, () => {
    test('it weighs 50 kB at most, and is one request', async (t) => {
      for (const language of ['en', 'es']) {
        const { url } = await world.charter(language);
        const { account } = await visit(t, world.browser, url, { at: MOMENTS.after });
        const bytes = (await account.response.body()).length;
        t.diagnostic(`${language}: ${bytes} bytes`);
        assert.ok(bytes <= WEIGHT_LIMIT_BYTES, `${bytes} bytes`);
        assertQuiet(account);
      }
    });

    test('no file holds money, a surname, a note or who sails', async () => {
      for (const language of ['en', 'es']) for (const file of ['', '.ics']) {
        const { url } = await world.charter(language);
        const text = await (await fetch(url + file)).text();
        for (const secret of SECRETS) assert.ok(!text.includes(secret), `${secret} in ${language}${file}`);
        for (const number of NUMBERS) assert.ok(!says(text, number), `${number} in ${language}${file}`);
      }
    });

    test('search engines and other sites are told nothing', async (t) => {
      const { url } = await world.charter('en');
      const { page, account } = await visit(t, world.browser, url, { at: MOMENTS.upcoming });
      const meta = (name) => page.locator(`meta[name=${name}]`).getAttribute('content');
      assert.match(await meta('robots'), /noindex/);
      assert.equal(await meta('referrer'), 'no-referrer');
      assert.deepEqual(await page.context().cookies(), []);
      assert.equal(account.response.headers()['set-cookie'], undefined);
    });

    test('the browser itself refuses what the page never does', async (t) => {
      const { url } = await world.charter('en');
      const { page } = await visit(t, world.browser, url, { at: MOMENTS.upcoming });
      // Each by a directive of its own, reported in no certain order: of one that is allowed nothing is ever heard.
      const expected = ['base-uri', 'connect-src', 'frame-src', 'img-src', 'object-src', 'script-src-attr', 'script-src-elem', 'style-src-elem'];
      const refused = await page.evaluate(async (awaited) => {
        const left = new Set(awaited);
        const all = new Promise((heard) => {
          document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => {
            left.delete(effectiveDirective);
            if (left.size === 0) heard();
          });
          setTimeout(heard, 10_000); // So that it fails by name instead of hanging.
        });
        const add = (name, properties) => document.body.append(Object.assign(document.createElement(name), properties));
        add('script', { textContent: 'window.broken = true' });
        add('img', { src: 'https://example.com/pixel.png' });
        add('iframe', { src: 'https://example.com/' });
        add('style', { textContent: 'body { color: red }' });
        add('base', { href: 'https://example.com/' });
        add('object', { data: 'https://example.com/' });
        document.body.setAttribute('onclick', 'window.broken = true');
        document.body.click();
        await fetch('https://example.com/').catch(() => {});
        await all;
        return { broken: window.broken, base: document.baseURI, allowed: [...left] };
      }, expected);
      assert.equal(refused.broken, undefined, 'no script of anybody else runs');
      assert.equal(refused.base, url);
      assert.deepEqual(refused.allowed, []);
    });
  });
}
