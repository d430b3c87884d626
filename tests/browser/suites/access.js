// Guests who do not see well, use no mouse, read on paper or stand in the sun: the page is for them, too.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { MOMENTS } from '../charters.js';
import { assertAccessible, assertFits, visit } from '../visitor.js';
import { words } from '../words.js';

const OTHER = { en: 'es', es: 'en' };

export function access(world) {
  describe('access', { concurrency: 1 }, () => {
    for (const moment of ['upcoming', 'today', 'after']) {
      test(`${moment}: every control is reached and seen by keyboard`, async (t) => {
        const { url } = await world.charter('en');
        const { page } = await visit(t, world.browser, url, { at: MOMENTS[moment] });
        const controls = await page.evaluate(listControls);
        assert.ok(controls.length >= 3, controls.join(', '));
        const reached = [];
        for (let presses = 0; presses < controls.length; presses += 1) {
          await page.keyboard.press('Tab');
          const { name, seen, marked } = await page.evaluate(lookAtFocus);
          assert.ok(seen, `${name} is on the screen, and nothing covers it`);
          assert.ok(marked, `${name} shows that it has the focus`);
          reached.push(name);
        }
        assert.deepEqual(reached, controls);
      });
    }

    test('the other language is one key away, also without JavaScript', async (t) => {
      for (const language of ['en', 'es']) for (const javaScriptEnabled of [true, false]) {
        const { url } = await world.charter(language);
        const { page } = await visit(t, world.browser, url, { at: javaScriptEnabled ? MOMENTS.upcoming : undefined, javaScriptEnabled });
        const [own, other] = [words(language), words(OTHER[language])];
        assert.equal(await shownLanguage(page), language);
        const bringing = (say) => page.getByRole('heading', { name: say('page.bring') });
        assert.ok(await bringing(own).isVisible() && !await bringing(other).isVisible());
        await page.getByRole('navigation').getByRole('link', { name: other('name') }).focus();
        await page.keyboard.press('Enter');
        await bringing(other).waitFor();
        assert.ok(!await bringing(own).isVisible());
        assert.equal(await shownLanguage(page), OTHER[language]);
        if (javaScriptEnabled) await assertAccessible(t, page, `${language} switched to ${OTHER[language]}`);
        await assertFits(page, `switched-from-${language}`, { shoot: false });
      }
    });

    test('sharing copies the link where there is no share sheet', async (t) => {
      const { url } = await world.charter('en');
      const { page } = await visit(t, world.browser, url, { at: MOMENTS.upcoming, permissions: ['clipboard-read', 'clipboard-write'] });
      await page.evaluate(() => { delete Navigator.prototype.share; });
      await page.getByRole('button', { name: words('en')('page.share') }).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('status').filter({ hasText: words('en')('script.share_copied') }).waitFor();
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), url);
    });

    test('sharing opens the phone’s own share sheet where there is one', async (t) => {
      const { url } = await world.charter('en');
      const { page } = await visit(t, world.browser, url, { at: MOMENTS.upcoming });
      await page.evaluate(() => { Navigator.prototype.share = async (what) => { window.shared = what; }; });
      await page.getByRole('button', { name: words('en')('page.share') }).click();
      await page.waitForFunction(() => window.shared);
      const shared = await page.evaluate(() => window.shared);
      assert.equal(shared.url, url);
    });

    test('photos can be picked by keyboard', async (t) => {
      const { url } = await world.charter('en');
      const { page } = await visit(t, world.browser, url, { at: MOMENTS.after });
      const chosen = page.waitForEvent('filechooser');
      await page.locator('[data-pick]:visible').focus(); // By now the browser hands its dialogue over to the test.
      await page.keyboard.press('Enter');
      const chooser = await chosen;
      assert.ok(chooser.isMultiple());
      const accepted = await page.locator('[data-pick]:visible').getAttribute('accept');
      for (const type of ['.heic', '.mov', 'image/jpeg']) assert.ok(accepted.toLowerCase().includes(type), accepted);
    });

    test('wider spacing, forced colours and double text size', async (t) => {
      const { url } = await world.charter('en');
      for (const moment of ['upcoming', 'after']) {
        const { page } = await visit(t, world.browser, url, { at: MOMENTS[moment] });
        // WCAG 1.4.12; set through the CSSOM, which a content security policy leaves alone.
        await page.evaluate(() => {
          for (const { style } of document.querySelectorAll('body *')) {
            style.setProperty('line-height', '1.5', 'important');
            style.setProperty('letter-spacing', '.12em', 'important');
            style.setProperty('word-spacing', '.16em', 'important');
          }
        });
        await assertFits(page, `spaced-${moment}`, { shoot: false });
      }
      const { page } = await visit(t, world.browser, url, { at: MOMENTS.upcoming, forcedColors: 'active' });
      await assertAccessible(t, page, 'forced colours');
      await assertFits(page, 'forced-colours');
      await page.emulateMedia({ forcedColors: 'none' });
      await page.evaluate(() => document.documentElement.style.setProperty('font-size', '200%'));
      await assertFits(page, 'text-200-percent');
    });

    test('nothing moves for who asked for no motion', async (t) => {
      const { url } = await world.charter('en');
      const { page } = await visit(t, world.browser, url, { at: MOMENTS.upcoming });
      assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
    });

    test('it prints on one page, whole, on either side of the ocean', async (t) => {
      for (const language of ['en', 'es']) for (const moment of ['upcoming', 'today', 'after']) {
        const { url } = await world.charter(language);
        const { page } = await visit(t, world.browser, url, { at: MOMENTS[moment], scheme: 'dark' });
        for (const format of ['Letter', 'A4']) {
          const pdf = (await page.pdf({ format, printBackground: true })).toString('latin1');
          assert.equal(pdf.match(/\/Type\s*\/Page\b/g).length, 1, `${language}, ${moment}, ${format}`);
        }
        await page.emulateMedia({ media: 'print' });
        const text = await page.locator('body').innerText();
        const say = words(language);
        for (const key of ['page.meeting_point', 'page.safety', 'page.bring']) {
          assert.equal(text.toLowerCase().includes(say(key).toLowerCase()), moment !== 'after', `${moment}: ${key}`);
        }
        assert.match(text, /\+1 619 555 0100/);
        assert.equal(await page.locator('[data-pick]:visible').isVisible(), false, 'nobody uploads from paper');
      }
    });
  });
}

// The language of what is shown, as a screen reader takes it.
function shownLanguage(page) {
  return page.locator('h1:visible').evaluate((heading) => heading.closest('[lang]').lang);
}

// The functions below run in the page.

function listControls() {
  const shown = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest('[inert]');
  const controls = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')]
    .filter((element) => element.tabIndex >= 0 && !element.disabled && shown(element))
    .filter((element) => element.type !== 'radio' || element.checked); // A group of them is one stop.
  return controls.map((element) => element.outerHTML.slice(0, 100));
}

function lookAtFocus() {
  const element = document.activeElement;
  // What is shown of a control that is itself out of sight: its label.
  const faces = [element, ...(element.labels ?? []), element.nextElementSibling, element.parentElement].filter(Boolean);
  const isMarked = (face) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(face);
    return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
  };
  const face = faces.find(isMarked) ?? element;
  const box = face.getBoundingClientRect();
  const top = document.elementFromPoint(Math.min(box.left + box.width / 2, innerWidth - 1), Math.min(box.top + box.height / 2, innerHeight - 1));
  const seen = box.width > 0 && box.bottom > 0 && box.top < innerHeight && (face.contains(top) || top?.contains(face));
  return { name: element.outerHTML.slice(0, 100), seen, marked: isMarked(face) };
}
