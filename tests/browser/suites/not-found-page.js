// A link that leads nowhere: half of it was lost in a message, or somebody typed it from memory on the way to the dock.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { assertAccessible, assertFits, visit } from '../visitor.js';

export function notFoundPage(world) {
  describe('links', { concurrency: 1 }, () => {
    test('a link works however people type it', async () => {
      const { url, charter_id: id } = await world.charter('en');
      const page = await (await fetch(url)).text();
      for (const path of [id.toLowerCase(), `${id}/`, `${id}.html`, `${id.toLowerCase()}.html`, `${id}?utm_source=mail`]) {
        const answer = await fetch(`${world.stage.site}/g/${path}`);
        assert.equal(answer.status, 200, path);
        assert.equal(answer.headers.get('content-type'), 'text/html; charset=utf-8');
        assert.equal(await answer.text(), page, path);
      }
    });

    test('an unknown link says whom to call, in both languages', async (t) => {
      const { charter_id: id } = await world.charter('en');
      for (const scheme of ['light', 'dark']) for (const path of ['/g/ZZZZZZZZ', `/g/${id.slice(0, 7)}`, `/g/${id}0`, '/g/', '/elsewhere']) {
        const { page, account } = await visit(t, world.browser, world.stage.site + path, { scheme });
        assert.equal(account.response.status(), 404, path);
        assert.match(account.response.headers()['content-type'], /^text\/html/);
        const text = await page.locator('body').innerText();
        assert.doesNotMatch(text, /AccessDenied|Error|XML/);
        assert.match(text, /Ask the person who sent it/);
        assert.match(await page.locator('[lang=es]').innerText(), /Pida a quien se lo mandó/);
        for (const call of await page.locator('a[href^="tel:"]').all()) assert.equal(await call.getAttribute('href'), 'tel:+16195550100');
        assert.equal(await page.locator('a[href^="tel:"]').count(), 2, 'once in each language');
        assert.ok(!text.includes(id) && !text.includes('Dana'), 'nothing of any charter');
        // The browser reports the 404 itself; nothing else is asked for or complained about.
        assert.equal(account.requests.length, 1);
        assert.deepEqual(account.complaints.filter((complaint) => !complaint.includes('404')), []);
      }
    });

    test('the health check’s own page is one that everybody can read', async (t) => {
      for (const scheme of ['light', 'dark']) {
        const { page } = await visit(t, world.browser, `${world.stage.site}/g/00000000`, { scheme });
        await assertAccessible(t, page, `canary, ${scheme}`);
        await assertFits(page, `canary-${scheme}`, { shoot: false });
      }
    });

    test('the page for unknown links is one that everybody can read', async (t) => {
      await world.charter('en');
      for (const scheme of ['light', 'dark']) {
        const { page } = await visit(t, world.browser, `${world.stage.site}/g/ZZZZZZZZ`, { scheme });
        await assertAccessible(t, page, `unknown link, ${scheme}`);
        await assertFits(page, `unknown-link-${scheme}`);
      }
      const { page } = await visit(t, world.browser, `${world.stage.site}/g/ZZZZZZZZ`, { javaScriptEnabled: false });
      assert.equal(await page.locator('h1').innerText(), 'We can’t find this page');
    });
  });
}
