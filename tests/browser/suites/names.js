// What a guest or a marketplace typed stays text, and stays inside the page.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { MOMENTS } from '../charters.js';
import { assertFits, assertQuiet, visit } from '../visitor.js';

const NAMES = {
  markup: '<b>Dana</b><img/src=x/onerror=alert(x)>',
  script: '</title></script><script>alert(x)</script>',
  template: '{{boat}}{%if-true%}{name}',
  quotes: `"onmouseover=alert(x)'\`&amp;&lt;`,
  emoji: '👩‍👩‍👧‍👦⛵️🏴‍☠️',
  'right to left': 'دانا‎-الخطيب',
  'an override of direction': '\u202eanaD\u2066',
  'no spaces, in Han': '山田太郎',
  'no spaces, in Thai': 'สมชายใจดี',
  accents: `Z${'\u0301\u0323\u0308'.repeat(20)}oë`,
  'as long as it may be': 'W'.repeat(40),
  '200 characters': 'Wolfeschlegelsteinhausenbergerdorff'.repeat(6).slice(0, 200),
  'one of the widest': 'W'.repeat(200),
};

// What the page shows instead: nothing that turns or joins letters, and no first name that cannot be one.
const SHOWN = {
  script: 'Guest',
  quotes: NAMES.quotes.replace(/;$/, ''),
  emoji: NAMES.emoji.replaceAll('\u200d', ''),
  'right to left': 'دانا-الخطيب',
  'an override of direction': 'anaD',
  accents: 'Guest',
  '200 characters': 'Guest',
  'one of the widest': 'Guest',
};

export function names(world) {
  describe('names', { concurrency: 1 }, () => {
    for (const [what, name] of Object.entries(NAMES)) {
      test(`${what} stays text and stays inside`, async (t) => {
        const { url } = await world.stage.deliver({ guest: { name } });
        const { page, account } = await visit(t, world.browser, url, { at: MOMENTS.upcoming });
        await assertIsText(page, 'h1:visible', SHOWN[what] ?? name);
        assertQuiet(account);
        if (what.startsWith('no spaces')) await assertIsWhole(page);
        await assertFits(page, `name-${what.replaceAll(' ', '-')}`, { shoot: name.length >= 200 });
      });
    }

    test('a boat and a place that nobody knows are text, too', async (t) => {
      const boat = '<img/src=x/onerror=alert(1)>'.repeat(3);
      const location = '<script>alert(1)</script> دانا Ferry Landing '.repeat(4).trim();
      const { url } = await world.stage.deliver({ boat: { id: 'new', name: boat }, location });
      const { page, account } = await visit(t, world.browser, url, { at: MOMENTS.upcoming });
      await assertIsText(page, 'main:visible', boat);
      await assertIsText(page, 'main:visible', location);
      assertQuiet(account);
      await assertFits(page, 'name-boat-and-place');
    });
  });
}

async function assertIsText(page, where, text) {
  const shown = await page.locator(where).first().evaluate((element) => element.textContent);
  assert.ok(shown.replace(/\s+/g, ' ').includes(text.replace(/\s+/g, ' ')), shown);
  const foreign = await page.evaluate(() => document.querySelectorAll('img, b, [onerror], [onmouseover], iframe, object').length);
  assert.equal(foreign, 0, 'no element was made of it');
}

// A name that fits one line is not torn apart between two.
async function assertIsWhole(page) {
  const lines = await page.locator('h1:visible bdi').evaluate((name) => {
    const range = document.createRange();
    range.selectNodeContents(name);
    return new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size;
  });
  assert.equal(lines, 1);
}
