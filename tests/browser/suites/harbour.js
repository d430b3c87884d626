// An engineer at the harbour page tries what a sender posts: chooses the sender, pastes a body, and looks at what became of it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';

import { ROOT, Stage } from '../stage.js';
import { assertAccessible, assertFits, visit } from '../visitor.js';

const { body: BOOKING } = JSON.parse(readFileSync(`${ROOT}/tests/fixtures/senders/mailparser-flat.json`, 'utf8'));

export function harbour(world) {
  describe('the harbour', { concurrency: 1 }, () => {
    // The page shows the newest booking and the newest answer of its world, so nobody else may send any.
    let stage;
    before(async () => { stage = await Stage.set(); });
    after(() => stage?.strike());

    for (const scheme of ['light', 'dark']) {
      test(`a body posted as its sender comes in step, ${scheme}`, async (t) => {
        const { page, account } = await open(t, scheme);
        await page.getByRole('combobox', { name: 'Sender' }).selectOption('mailparser');
        await page.getByRole('textbox', { name: 'Body' }).fill(JSON.stringify({ ...BOOKING, booking_id: scheme }));
        await page.getByRole('button', { name: 'Post', exact: true }).click();
        await said(page, /^Delivery of mailparser: 200 in step, after /);
        await page.locator('#standing').getByRole('heading', { name: `MP-${scheme}` }).waitFor();
        for (const system of ['calendar', 'crew', 'guest']) await page.locator(`#${system}-state`, { hasText: 'in step' }).waitFor();
        assert.match(await page.locator('#calendar').innerText(), /1,840\.75/);
        await assertAccessible(t, page, `the harbour, ${scheme}`);
        await assertFits(page, `harbour-${scheme}`);
        assert.deepEqual(account.complaints, []);
      });
    }

    test('an example is posted by keyboard', async (t) => {
      const { page } = await open(t, 'light');
      await page.getByRole('combobox', { name: 'Sender' }).selectOption('checkfront');
      await page.getByRole('combobox', { name: 'Start from an example' }).selectOption('checkfront-form');
      assert.equal(await page.getByRole('textbox', { name: 'Headers' }).inputValue(), 'content-type: application/x-www-form-urlencoded');
      await page.getByRole('textbox', { name: 'Body' }).focus();
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await said(page, /^Delivery of checkfront: 200 in step, after /);
      await page.locator('#standing').getByRole('heading', { name: 'CF-KMVQ-060314' }).waitFor();
    });

    test('what is not understood is in quarantine, with its pointers', async (t) => {
      const { page } = await open(t, 'light');
      await page.getByRole('combobox', { name: 'Sender' }).selectOption('mailparser');
      await page.getByRole('textbox', { name: 'Body' }).fill('{"who": "nobody"}');
      await page.getByRole('button', { name: 'Post', exact: true }).click();
      await said(page, /^Delivery of mailparser: 202 quarantined, after /);
      await page.locator('#quarantine').getByText('/booking_id', { exact: true }).waitFor();
      await page.locator('#answer').getByText('/booking_id', { exact: true }).waitFor();
      await assertAccessible(t, page, 'the harbour with a quarantine');
      await assertFits(page, 'harbour-quarantine');
    });

    test('what cannot be posted says why', async (t) => {
      const { page } = await open(t, 'light');
      const before = await entries();
      await page.getByRole('button', { name: 'Post', exact: true }).click();
      await said(page, /^The body is empty/);
      await page.getByRole('textbox', { name: 'Body' }).fill('{}');
      await page.getByRole('textbox', { name: 'Headers' }).fill('no colon');
      await page.getByRole('button', { name: 'Post', exact: true }).click();
      await said(page, /^"no colon" is no header/);
      assert.equal(await entries(), before);
    });

    async function open(t, scheme) {
      const visited = await visit(t, world.browser, stage.harbour, { scheme });
      await visited.page.getByText('Post as any sender').click();
      return visited;
    }

    const entries = async () => (await (await fetch(`${stage.harbour}/state`)).json()).entries.length;
  });
}

const said = (page, words) => page.locator('#spoken', { hasText: words }).waitFor();
