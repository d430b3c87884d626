// What a chat makes of a shared link. Chats read the tags and the picture, never the page.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { firstName } from '../charters.js';
import { SCREENSHOTS, visit } from '../visitor.js';

export function preview(world) {
  describe('the preview of a link', { concurrency: 1 }, () => {
    test('it shows what the charter is, and nobody’s name', async (t) => {
      for (const language of ['en', 'es']) {
        const { url } = await world.charter(language);
        const { page } = await visit(t, world.browser, url);
        const tags = await readTags(page);
        assert.equal(tags['og:url'], url);
        assert.equal(tags['og:locale'], { en: 'en_US', es: 'es_US' }[language]);
        assert.equal(tags['twitter:card'], 'summary_large_image');
        assert.ok(tags['og:site_name'] && tags['og:title'].includes('Queen of San Diego'));
        assert.doesNotMatch(tags['og:title'], /2031|May|mayo/, 'the day is in the description');
        for (const part of [/30/, /2:00/, /5:00/, /1:45/, /1880 Harbor Island Drive/]) assert.match(tags['og:description'], part);
        assert.ok(!JSON.stringify(tags).includes(firstName(language)));

        const picture = await fetch(tags['og:image']);
        assert.deepEqual([picture.status, picture.headers.get('content-type')], [200, 'image/png']);
        const bytes = Buffer.from(await picture.arrayBuffer());
        assert.deepEqual([bytes.readUInt32BE(16), bytes.readUInt32BE(20)], [1200, 630]);
        assert.ok(bytes.length < 300_000, `${bytes.length} bytes: WhatsApp takes no more`);
        await draw(t, world.browser, tags, bytes, language);
      }
    });

    test('a cancelled charter is previewed as cancelled', async (t) => {
      const booking = { id: `BS-preview-${Date.now()}` };
      await world.stage.deliver(booking);
      const { url } = await world.stage.deliver({ ...booking, revision: 2, status: 'cancelled' });
      const { page } = await visit(t, world.browser, url);
      const tags = await readTags(page);
      assert.match(tags['og:title'], /^Cancelled: /);
      assert.doesNotMatch(tags['og:description'], /2:00|arrive/);
    });

    test('a phone’s home screen gets an icon', async (t) => {
      const { url } = await world.charter('en');
      const { page } = await visit(t, world.browser, url);
      const icon = await fetch(new URL(await page.locator('link[rel=apple-touch-icon]').getAttribute('href'), url));
      assert.deepEqual([icon.status, icon.headers.get('content-type')], [200, 'image/png']);
    });
  });
}

function readTags(page) {
  return page.evaluate(() => Object.fromEntries([...document.querySelectorAll('meta[property], meta[name]')]
    .map((tag) => [tag.getAttribute('property') ?? tag.name, tag.content])));
}

// As three chat apps lay it out; for people to look at.
async function draw(t, browser, tags, picture, language) {
  const context = await browser.newContext({ viewport: { width: 1000, height: 520 } });
  t.after(() => context.close());
  const page = await context.newPage();
  await page.setContent(`<style>
    body { margin: 24px; display: flex; gap: 24px; align-items: start; font: 14px/1.35 system-ui, sans-serif; background: #e9e4dc; }
    article { width: 300px; border-radius: 16px; overflow: hidden; background: #fff; }
    img { display: block; width: 100%; aspect-ratio: 1200 / 630; object-fit: cover; }
    div { padding: 10px 14px; } small { display: block; color: #777; } p { margin: 2px 0; color: #555; } .one p { display: none; } .two { background: #d9fdd3; border-radius: 8px; } .three { border-radius: 0; }
    .two p { display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; overflow: hidden; }
  </style>` + ['one', 'two', 'three'].map((name) => `<article class="${name}"><img alt=""><div><strong></strong><p></p><small></small></div></article>`).join(''));
  await page.evaluate(({ tags, source }) => {
    for (const article of document.querySelectorAll('article')) {
      article.querySelector('img').src = source;
      article.querySelector('strong').textContent = tags['og:title'];
      article.querySelector('p').textContent = tags['og:description'];
      article.querySelector('small').textContent = article.matches('.three') ? tags['og:site_name'] : new URL(tags['og:url']).host;
    }
    return Promise.all([...document.images].map((image) => image.decode()));
  }, { tags, source: `data:image/png;base64,${picture.toString('base64')}` });
  await page.screenshot({ path: `${SCREENSHOTS}/preview-${language}.png` });
}
