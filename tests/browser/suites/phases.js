// What the page says first, from the day of booking until long after the charter, by the guest's own clock.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { MOMENTS, firstName } from '../charters.js';
import { SCREENSHOTS, assertAccessible, assertFits, assertQuiet, visit } from '../visitor.js';
import { words } from '../words.js';

// By the moment: what is to be read, and what is not, besides the texts of the other phases.
const SAID = {
  upcoming: { heading: 'page.welcome', also: [['script.countdown_days', { count: 10 }], ['page.lead', { boat: 'Queen of San Diego' }]] },
  tomorrow: { heading: 'page.welcome', also: [['script.countdown_tomorrow']] },
  today: { heading: 'page.welcome', also: [['script.left_hours', { hours: 5, minutes: 45 }], ['page.lead_today'], ['page.photos']] },
  late: { heading: 'page.welcome', also: [['script.left_none', { minutes: 5 }], ['page.photos']] },
  underway: { heading: 'page.underway', also: [['page.lead_underway'], ['page.photos']] },
  ashore: { heading: 'page.thanks', also: [['page.lead_after'], ['page.photos']] },
  after: { heading: 'page.thanks', also: [['page.lead_after'], ['page.photos']] },
  later: { heading: 'page.thanks', also: [['page.lead_after']] },
};

// Texts that belong to one phase or some, each with the moments at which it is on the page.
const ONLY = {
  'page.lead_today': ['today'],
  'page.lead_underway': ['underway'],
  'page.lead_after': ['ashore', 'after', 'later'],
  'page.photos': ['today', 'late', 'underway', 'ashore', 'after'],
  'page.bring': ['upcoming', 'tomorrow', 'today', 'late'],
  'page.add_to_calendar': ['upcoming', 'tomorrow', 'today'],
};

export function phases(world) {
  describe('phases', { concurrency: 2 }, () => {
    for (const language of ['en', 'es']) for (const scheme of ['light', 'dark']) for (const moment of Object.keys(MOMENTS)) {
      test(`${moment}, ${language}, ${scheme}`, async (t) => {
        const { url } = await world.charter(language);
        const { page, account } = await visit(t, world.browser, url, { at: MOMENTS[moment], scheme });
        const say = words(language);
        await assertSays(page, say, moment, firstName(language));
        assertQuiet(account);
        // What depends on the width is the same in the dark.
        for (const width of scheme === 'light' ? [320, 1280] : [390]) {
          await page.setViewportSize({ width, height: 844 });
          await assertAccessible(t, page, `${moment}, ${language}, ${scheme}, ${width} px`);
        }
        await assertFits(page, `${moment}-${language}-${scheme}`);
      });
    }

    test('the day is the day at the dock, wherever the guest is', async (t) => {
      const { url } = await world.charter('en');
      // 8 PM of the day before in San Diego is the day itself in Madrid and Tokyo.
      for (const timezone of ['Europe/Madrid', 'Asia/Tokyo', 'Pacific/Honolulu']) {
        const { page } = await visit(t, world.browser, url, { at: '2031-05-29T20:00:00-07:00', timezone, language: 'de-DE' });
        const text = await page.locator('body').innerText();
        assert.ok(text.includes(words('en')('script.countdown_tomorrow')), timezone);
        assert.match(text, /Friday, May 30, 2031/);
        assert.match(text, /2:00\sPM/);
      }
    });

    test('photos are taken from the day until seven days after it', async (t) => {
      const { url } = await world.charter('en');
      for (const [at, taken] of [
        ['2031-05-29T23:59:00-07:00', false], ['2031-05-30T00:00:00-07:00', true],
        ['2031-06-06T23:59:00-07:00', true], ['2031-06-07T00:00:00-07:00', false],
      ]) {
        const { page } = await visit(t, world.browser, url, { at });
        assert.equal(await page.locator('[data-pick]:visible').isVisible(), taken, at);
      }
    });

    for (const language of ['en', 'es']) for (const [width, height] of [[390, 664], [320, 664]]) {
      test(`the day’s first screen has the taps, ${language}, ${width} px`, async (t) => {
        const { url } = await world.charter(language);
        for (const moment of ['today', 'late']) {
          const { page } = await visit(t, world.browser, url, { at: MOMENTS[moment], width });
          await page.setViewportSize({ width, height });
          for (const part of ['[data-arrive]', '[data-left]', '.where', '[data-map]', '[data-call]', '[data-text]']) {
            const box = await page.locator(`${part}:visible`).boundingBox();
            assert.ok(box && box.y >= 0 && box.y + box.height <= height, `${moment}: ${part} ends at ${box?.y + box?.height}`);
            if (part.startsWith('[data-') && !['[data-arrive]', '[data-left]'].includes(part)) assert.ok(box.height >= 44 && box.width >= 44, part);
          }
          const first = await page.locator('.actions:visible a:visible').first().getAttribute('href');
          assert.match(first, moment === 'late' ? /^tel:/ : /^https:/, 'who is late calls');
          await page.screenshot({ path: `${SCREENSHOTS}/first-${moment}-${language}-${width}x${height}.png` });
        }
      });
    }

    test('that it is today is said once', async (t) => {
      for (const [language, today] of [['en', /\btoday\b/gi], ['es', /\bhoy\b/gi]]) {
        const { url } = await world.charter(language);
        const { page } = await visit(t, world.browser, url, { at: MOMENTS.today });
        assert.equal((await page.locator('body').innerText()).match(today).length, 1);
      }
    });

    test('the minutes until the dock count down on the open page', async (t) => {
      const { url } = await world.charter('en');
      const { page } = await visit(t, world.browser, url, { at: '2031-05-30T13:40:00-07:00' });
      const left = page.locator('[data-left]:visible');
      for (const [at, key, values] of [
        ['2031-05-30T12:44:30-07:00', 'script.left_hours', { hours: 1, minutes: 1 }],
        ['2031-05-30T12:45:01-07:00', 'script.left_hours', { hours: 1, minutes: 0 }],
        ['2031-05-30T12:46:01-07:00', 'script.left_minutes', { minutes: 59 }],
        ['2031-05-30T13:44:30-07:00', 'script.left_minutes', { minutes: 1 }],
        ['2031-05-30T13:46:00-07:00', 'script.left_none', { minutes: 1 }],
      ]) {
        await page.clock.setFixedTime(new Date(at));
        await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
        assert.equal(await left.innerText(), words('en')(key, values), at);
      }
    });

    test('a charter after midnight has its day on the evening before', async (t) => {
      const { url } = await world.stage.deliver({ start_at: '2031-05-31T00:05:00-07:00' });
      for (const [at, phase] of [
        ['2031-05-29T20:00:00-07:00', 'upcoming'], ['2031-05-30T20:00:00-07:00', 'today'], ['2031-05-30T23:55:00-07:00', 'late'],
        ['2031-05-31T00:05:00-07:00', 'underway'], ['2031-05-31T03:05:00-07:00', 'after'],
      ]) {
        const { page } = await visit(t, world.browser, url, { at });
        assert.equal(await page.locator('html').getAttribute('data-phase'), phase, at);
      }
    });

    test('a charter over night says on which day it ends', async (t) => {
      for (const [language, end] of [['en', /Saturday 11:00 AM/], ['es', /11:00 a\. m\. del sábado/]]) {
        const { url } = await world.stage.deliver({ duration_minutes: 1260, guest: { locale: language } });
        const { page } = await visit(t, world.browser, url, { at: '2031-05-31T09:00:00-07:00' });
        assert.equal(await page.locator('html').getAttribute('data-phase'), 'underway');
        const clock = (await page.locator('.clock:visible').innerText()).replaceAll('\u{a0}', ' ');
        assert.match(clock, end);
        await assertFits(page, `over-night-${language}`);
      }
    });

    test('the operator’s links and sections follow the phases', async (t) => {
      const { url } = await world.charter('en');
      for (const [moment, shown, unshown] of [
        ['upcoming', ['Tides', 'Sign the waiver', 'Children'], ['Tell others how it was', 'What about the money?']],
        ['underway', ['Tips'], ['Tides', 'Children', 'Tell others how it was']],
        ['ashore', ['Tell others how it was', 'Sail with us again'], ['Tides', 'Tips']],
      ]) {
        const { page } = await visit(t, world.browser, url, { at: MOMENTS[moment] });
        const text = await page.locator('body').innerText();
        for (const words of shown) assert.ok(text.includes(words), `${moment}: ${words}`);
        for (const words of unshown) assert.ok(!text.includes(words), `${moment}: ${words}`);
        assert.equal(await page.locator('[data-links]:visible').count(), moment === 'underway' ? 0 : 1, 'no card without a link');
      }
    });

    test('no card of the page stands far below the one before it', async (t) => {
      const { url } = await world.charter('en');
      for (const moment of ['today', 'underway', 'ashore']) for (const width of [768, 1280]) {
        const { page } = await visit(t, world.browser, url, { at: MOMENTS[moment], width });
        const gaps = await page.evaluate(() => {
          const boxes = [...document.querySelectorAll('.own .card')].filter((card) => card.checkVisibility()).map((card) => card.getBoundingClientRect());
          return boxes.map((box) => {
            const above = boxes.filter((other) => other.bottom <= box.top && other.left < box.right && box.left < other.right).map((other) => other.bottom);
            return above.length ? box.top - Math.max(...above) : 0;
          });
        });
        assert.ok(Math.max(...gaps) <= 24, `${moment}, ${width} px: ${gaps}`);
      }
    });

    test('after the charter the photos come first', async (t) => {
      const { url } = await world.charter('en');
      const { page } = await visit(t, world.browser, url, { at: MOMENTS.after });
      const headings = await page.locator('main h2:visible').allInnerTexts();
      assert.equal(headings[0], words('en')('page.photos'));
    });

    test('a page that stays open until the day comes keeps up with it', async (t) => {
      const { url } = await world.charter('en');
      const { page } = await visit(t, world.browser, url, { at: MOMENTS.tomorrow });
      await page.clock.setFixedTime(new Date(MOMENTS.today));
      await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
      await page.getByText(words('en')('page.lead_today')).waitFor();
    });

    test('without JavaScript it reads right before the charter', async (t) => {
      for (const language of ['en', 'es']) {
        const { url } = await world.charter(language);
        const { page, account } = await visit(t, world.browser, url, { javaScriptEnabled: false });
        const say = words(language);
        assert.equal(await page.locator('h1:visible').innerText(), say('page.welcome', { name: firstName(language) }));
        const text = await page.locator('body').innerText();
        for (const key of ['page.when', 'page.meeting_point', 'page.bring', 'page.safety', 'page.weather', 'page.late', 'page.add_to_calendar']) {
          assert.ok(text.toLowerCase().includes(say(key).toLowerCase()), `${key}: ${text}`);
        }
        for (const dead of ['page.photos', 'page.share', 'page.lead_after', 'page.lead_underway', 'page.cancelled']) {
          assert.ok(!text.includes(say(dead)), dead);
        }
        assertQuiet(account);
        await assertFits(page, `no-javascript-${language}`);
      }
    });

    test('a moved charter says for a week what it said before', async (t) => {
      for (const language of ['en', 'es']) {
        const booking = { id: `BS-moved-${language}`, guest: { name: 'Dana', locale: language } };
        await world.stage.deliver(booking);
        const { url } = await world.stage.deliver({ ...booking, revision: 2, start_at: '2031-05-31T10:00:00-07:00' });
        const now = Date.now();
        for (const [days, marked] of [[0, true], [6.9, true], [7.1, false]]) for (const scheme of ['light', 'dark']) {
          const { page, account } = await visit(t, world.browser, url, { at: now + days * 86_400_000, scheme });
          const say = words(language);
          assert.equal(await page.getByText(say('page.new_time')).isVisible(), marked, `${days} days later`);
          assert.equal(/30/.test(await page.locator('main:visible').innerText()), marked, 'where it was before');
          assertQuiet(account);
          if (days === 0) {
            await assertAccessible(t, page, `moved, ${language}, ${scheme}`);
            await assertFits(page, `moved-${language}-${scheme}`);
          }
        }
      }
    });

    test('a cancelled charter says so, also without JavaScript', async (t) => {
      for (const language of ['en', 'es']) {
        const booking = { id: `BS-off-${language}`, guest: { name: 'Dana', locale: language } };
        await world.stage.deliver(booking);
        const { url } = await world.stage.deliver({ ...booking, revision: 2, status: 'cancelled' });
        const say = words(language);
        for (const options of [
          { javaScriptEnabled: false }, { at: MOMENTS.upcoming }, { at: MOMENTS.underway, scheme: 'dark' }, { at: MOMENTS.after },
        ]) {
          const { page, account } = await visit(t, world.browser, url, options);
          assert.equal(await page.locator('h1:visible').innerText(), say('page.cancelled'));
          const text = await page.locator('body').innerText();
          for (const key of ['page.bring', 'page.photos', 'page.lead_after']) assert.ok(!text.includes(say(key)), key);
          assert.ok(text.includes({ en: 'What about the money?', es: '¿Y el dinero?' }[language]));
          assert.match(await page.locator('.actions:visible a').first().getAttribute('href'), /^tel:/, 'whom to ask');
          assertQuiet(account);
          if (options.at) await assertAccessible(t, page, `cancelled, ${language}, ${options.at}`);
          await assertFits(page, `cancelled-${language}-${options.scheme ?? 'light'}`);
        }
      }
    });
  });
}

async function assertSays(page, say, moment, name) {
  const { heading, also } = SAID[moment];
  assert.equal(await page.locator('h1:visible').innerText(), say(heading, { name }));
  const text = (await page.locator('body').innerText()).toLowerCase();
  for (const [key, values] of also) assert.ok(text.includes(say(key, values).toLowerCase()), `${moment}: ${key} is not on the page: ${text}`);
  for (const [key, moments] of Object.entries(ONLY)) {
    assert.equal(text.includes(say(key).toLowerCase()), moments.includes(moment), `${moment}: ${key}`);
  }
}
