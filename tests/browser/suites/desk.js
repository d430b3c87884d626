// The office at its desk, on its phone: it sees a case, decides, and is shown what came of it. Nothing of it needs a script.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { assertAccessible, assertFits, assertQuiet, visit } from '../visitor.js';

const REFUSED = { kind: 'answer', status: 422, acted: false, retry_after: null };
const SOON = (days) => new Date(Date.now() + days * 86_400_000).toISOString();

export function desk(world) {
  // The faults of one test are met by its own booking: one after the other.
  describe('the desk', { concurrency: 1 }, () => {
    for (const scheme of ['light', 'dark']) {
      test(`a refused booking is tried again until it is in step, ${scheme}`, async (t) => {
        const { page, account, booking } = await refused(t, world, scheme);
        assertQuiet(account);
        assert.equal(account.response.headers()['referrer-policy'], 'no-referrer');
        await page.getByText('It is not in the calendar: it was refused').waitFor();
        await assertAccessible(t, page, `a case, ${scheme}`);
        await assertFits(page, `desk-parked-${scheme}`);
        await page.getByRole('link', { name: 'Try again' }).click();
        await page.getByRole('heading', { name: 'Try again?' }).waitFor();
        await assertAccessible(t, page, `a question, ${scheme}`);
        await assertFits(page, `desk-asks-${scheme}`);
        await page.getByRole('button', { name: 'Try again' }).click();
        await page.getByText('In step everywhere').waitFor();
        assert.equal(await page.getByRole('link', { name: 'Try again' }).count(), 0);
        await assertAccessible(t, page, `in step, ${scheme}`);
        await assertFits(page, `desk-in-step-${scheme}`);
        assert.deepEqual(account.complaints, [], booking.id);
      });
    }

    test('confirmed again after a cancellation, it sails by the office', async (t) => {
      const booking = await world.stage.sell({ guest: { name: 'Ann Lee' } });
      await world.stage.tell(booking, { status: 'cancelled', revision: 2 });
      await world.stage.tell(booking, { status: 'confirmed', revision: 3 });
      const { page } = await visit(t, world.browser, await world.stage.mailLink(booking.id));
      await page.getByText('It waits for a decision').first().waitFor();
      await assertFits(page, 'desk-decides');
      await page.getByRole('link', { name: 'It sails' }).click();
      await page.getByRole('button', { name: 'It sails' }).click();
      await page.getByText('In step everywhere').waitFor();
      await assertFits(page, 'desk-sails');
    });

    test('left as it is, by keyboard and without JavaScript', async (t) => {
      const { page } = await refused(t, world, 'light', { javaScriptEnabled: false });
      assert.equal(await page.getByRole('button', { name: 'Copy' }).isVisible(), false, 'it needs a script');
      await tabTo(page, 'Leave it');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Leave it?' }).waitFor();
      await tabTo(page, 'Why (others read it here)');
      await page.keyboard.type('Jo typed it in');
      await page.keyboard.press('Enter');
      await page.getByText('Left as it is: Jo typed it in').waitFor();
      await assertFits(page, 'desk-left');
    });

    test('what was not understood is entered by hand', async (t) => {
      const booking = await world.stage.sell({ gross: null, guest: { name: 'Bo Chen' } });
      const { page, account } = await visit(t, world.browser, await world.stage.mailLink(booking.id));
      await page.getByText('Not understood').first().waitFor();
      await assertAccessible(t, page, 'a delivery');
      await assertFits(page, 'desk-not-understood');
      await page.getByRole('link', { name: 'Enter it' }).click();
      assert.equal(await page.getByLabel('Guest\'s name').inputValue(), 'Bo Chen');
      await assertAccessible(t, page, 'the form');
      await assertFits(page, 'desk-form');
      await page.getByLabel('What the guest paid').fill('eight hundred');
      await page.getByRole('button', { name: 'Enter it' }).click();
      await page.getByText('Nothing was entered yet').waitFor();
      await assertAccessible(t, page, 'the form with a fault');
      await assertFits(page, 'desk-form-fault');
      await page.getByLabel('What the guest paid').fill('840.75');
      await page.getByRole('button', { name: 'Enter it' }).click();
      await page.getByText(`Over: a person entered ${booking.id} from it`).waitFor();
      await assertFits(page, 'desk-entered');
      assert.deepEqual(account.complaints.filter((words) => !words.includes('422')), []);
    });

    test('the message is copied by one key and noted as sent', async (t) => {
      const booking = await world.stage.sell({ start_at: SOON(5), guest: { name: 'Cy Ito' } });
      const link = await world.stage.deskLink();
      const { page, account } = await visit(t, world.browser, `${link}?q=${booking.id}`, { permissions: ['clipboard-read', 'clipboard-write'] });
      await page.getByRole('link', { name: 'Cy' }).click();
      await page.getByRole('button', { name: 'Copy' }).press('Enter');
      await page.getByRole('status').filter({ hasText: 'Copied.' }).waitFor();
      assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^Hi Cy, this is .* confirmed for /);
      await page.getByRole('button', { name: 'Sent' }).click();
      await page.getByText(/^Sent: .*, by the office's own link/).waitFor();
      await assertFits(page, 'desk-sent');
      assert.deepEqual(account.complaints, []);
    });

    for (const scheme of ['light', 'dark']) {
      test(`the whole desk with ten charters, ${scheme}`, async (t) => {
        const names = ['Ada Moss', 'Ben Ray', 'Cleo Hart', 'Dev Rao', 'Eve Poe', 'Fay Orr', 'Gus Lind', 'Hal Kerr', 'Ivy Dunn', 'Joe Shaw'];
        for (const [place, name] of names.entries()) {
          await world.stage.sell({ start_at: SOON(1 + place * 3), party_size: place === 3 ? 40 : 8, guest: { name } });
        }
        const { page, account } = await visit(t, world.browser, await world.stage.deskLink(), { scheme });
        assertQuiet(account);
        for (const name of ['Ada', 'Joe']) assert.ok(await page.getByRole('link', { name }).first().isVisible(), name);
        assert.doesNotMatch(await page.locator('body').innerText(), /\$|(?<![\w-])840(?![\w-])|Moss/);
        await assertAccessible(t, page, `the whole desk, ${scheme}`);
        await assertFits(page, `desk-whole-${scheme}`);
        await page.getByLabel('Name, booking or charter id').fill('shaw');
        await page.keyboard.press('Enter');
        await page.getByRole('heading', { name: 'Found' }).waitFor();
        assert.equal(await page.getByRole('link', { name: 'Ada' }).count(), 0);
        await assertFits(page, `desk-found-${scheme}`);
        assert.deepEqual(account.complaints, []);
      });
    }

    test('a link that leads nowhere says so kindly', async (t) => {
      const link = await world.stage.deskLink();
      const { page, account } = await visit(t, world.browser, `${link.slice(0, -4)}AAAA`);
      assert.equal(account.response.status(), 404);
      await page.getByRole('heading', { name: 'This link leads nowhere' }).waitFor();
      await assertAccessible(t, page, 'a link that leads nowhere');
      await assertFits(page, 'desk-nowhere');
    });
  });
}

// A booking that the calendar refuses once, and its page, opened from the mail.
async function refused(t, world, scheme, options = {}) {
  await world.stage.fail('calendar', 'POST', REFUSED);
  const booking = await world.stage.sell({ guest: { name: 'Dana Whitfield' } });
  const visited = await visit(t, world.browser, await world.stage.mailLink(booking.id), { scheme, ...options });
  return { ...visited, booking };
}

// Tabs until the control of this name has the focus, which is seen.
async function tabTo(page, name) {
  for (let presses = 0; presses < 40; presses += 1) {
    await page.keyboard.press('Tab');
    const focused = page.locator(':focus');
    const names = await focused.evaluate((element) => [element.textContent.trim(), ...[...(element.labels ?? [])].map((label) => label.textContent.trim())]);
    if (!names.includes(name)) continue;
    const { outlineStyle, outlineWidth } = await focused.evaluate((element) => getComputedStyle(element));
    assert.ok(outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2, `${name} shows that it has the focus`);
    return;
  }
  assert.fail(`${name} is not reached by keyboard`);
}
