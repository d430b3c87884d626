// Photos: from the guest's phone straight into the bucket, also over the dock's poor network.
//
// These charters are under way now, because ShipCaptainCrew and S3 go by the real clock. Faults are scripted for the bucket as a
// whole, so these tests run one after the other.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { MOMENTS } from '../charters.js';
import { assertAccessible, assertFits, visit } from '../visitor.js';
import { words } from '../words.js';

const MEGABYTE = 1024 * 1024;
const say = words('en');

export function photos(world) {
  describe('photos', { concurrency: 1 }, () => {
    test('three files arrive despite an old form and a lost connection', async (t) => {
      const { charter, page, account } = await aboard(t, world);
      assert.equal(account.requests.length, 1, 'nothing is asked for before a file is picked');
      await world.stage.fail('bucket', 'PostObject', { kind: 'answer', status: 403, acted: false });
      await world.stage.fail('bucket', 'PostObject', { kind: 'drop_before' });

      const sent = [photo('one.jpg'), photo('two.png', 'image/png'), photo('three.mp4', 'video/mp4', 300_000)];
      const album = await onDisk(t, sent);
      await pick(page, album);
      for (const { name } of sent) await settled(page, name, say('script.file_sent'));

      assert.deepEqual(await world.stage.uploads(charter.charter_id), sent.map(({ name, buffer }) => ({ name, content: buffer }))
        .sort((one, other) => one.name.localeCompare(other.name)));
      // From here on the upload desk and the bucket, and nobody else.
      assert.deepEqual(new Set(origins(account).slice(1)), new Set([world.stage.uploadDesk, world.stage.uploadBucket]));
      await page.getByRole('status').filter({ hasText: say('script.status_all', { all: 3 }) }).waitFor();
      await assertAccessible(t, page, 'three photos sent');
      await assertFits(page, 'photos-sent');

      // What is sent is remembered on this phone, and a second try costs nothing.
      await page.reload();
      await page.getByText(say('script.remembered_other', { count: 3 })).waitFor();
      const asked = account.requests.length;
      await pick(page, album.slice(0, 1));
      await settled(page, 'one.jpg', say('script.file_already_sent'));
      assert.equal(account.requests.length, asked, 'no second upload');
    });

    test('a file on its way shows how far it is', async (t) => {
      const { page } = await aboard(t, world);
      await world.stage.fail('bucket', 'PostObject', { kind: 'delay', milliseconds: 1_500 });
      await pick(page, [photo('film.mov', 'video/quicktime', 2 * MEGABYTE)]);
      const progress = page.getByRole('progressbar');
      await progress.waitFor();
      assert.equal(await progress.getAttribute('aria-label'), 'film.mov');
      await settled(page, 'film.mov', say('script.file_sent'));
    });

    test('a photo of a type unknown to the browser is sent as it is', async (t) => {
      const { charter, page, account } = await aboard(t, world);
      await pick(page, [photo('IMG_0001.HEIC', ''), photo('IMG_0002.MOV', '')]);
      for (const name of ['IMG_0001.HEIC', 'IMG_0002.MOV']) await settled(page, name, say('script.file_sent'));
      const asked = account.requests.filter((request) => request.url().endsWith('/presign') && request.method() === 'POST');
      assert.deepEqual(asked.map((request) => request.postDataJSON().content_type).sort(), ['image/heic', 'video/quicktime']);
      assert.equal((await world.stage.uploads(charter.charter_id)).length, 2);
    });

    test('what cannot be sent is refused in words, the rest goes', async (t) => {
      const { charter, page } = await aboard(t, world);
      await pick(page, [
        photo('menu.pdf', 'application/pdf'),
        photo('empty.jpg', 'image/jpeg', 0),
        photo('long.mp4', 'video/mp4', 25 * MEGABYTE + 1),
        photo('good.webp', 'image/webp'),
      ]);
      await settled(page, 'menu.pdf', say('script.refused_type'));
      await settled(page, 'empty.jpg', say('script.refused_empty'));
      await settled(page, 'long.mp4', say('script.refused_size'));
      await settled(page, 'good.webp', say('script.file_sent'));
      assert.deepEqual((await world.stage.uploads(charter.charter_id)).map(({ name }) => name), ['good.webp']);
      await assertAccessible(t, page, 'refused files');
      await assertFits(page, 'photos-refused');
    });

    test('24 go at once, and the others are told to wait', async (t) => {
      const { charter, page } = await aboard(t, world);
      await pick(page, Array.from({ length: 26 }, (_, index) => photo(`${String(index + 1).padStart(2, '0')}.jpg`)));
      await page.getByText(say('script.refused_number')).first().waitFor();
      await page.getByRole('status').filter({ hasText: say('script.status_all', { all: 24 }) }).waitFor({ timeout: 20_000 });
      assert.equal((await world.stage.uploads(charter.charter_id)).length, 24);
    });

    test('without a network it says so and goes on by itself', async (t) => {
      const { charter, page } = await aboard(t, world);
      await page.context().setOffline(true);
      await pick(page, [photo('dock.jpg')]);
      await settled(page, 'dock.jpg', say('script.file_offline'));
      await assertFits(page, 'photos-offline');
      await page.context().setOffline(false);
      await settled(page, 'dock.jpg', say('script.file_sent'));
      assert.equal((await world.stage.uploads(charter.charter_id)).length, 1);
    });

    test('when nothing gets through a guest can try again, by keyboard', async (t) => {
      const { charter, page } = await aboard(t, world);
      await world.stage.fail('crew', `POST /g/${charter.charter_id}/presign`, { kind: 'answer', status: 503, acted: false }, 9);
      await pick(page, [photo('late.jpg')]);
      await settled(page, 'late.jpg', say('script.file_failed'));
      await assertAccessible(t, page, 'a failed upload');
      await world.stage.heal();
      const retry = page.getByRole('button', { name: say('script.retry_label', { file: 'late.jpg' }) });
      await retry.focus();
      await page.keyboard.press('Enter');
      await settled(page, 'late.jpg', say('script.file_sent'));
      assert.equal((await world.stage.uploads(charter.charter_id)).length, 1);
    });

    test('outside its window the upload desk has the last word', async (t) => {
      // The phone's clock is years ahead: the page opens the section, ShipCaptainCrew does not take the photo.
      const charter = await world.stage.deliver();
      const { page } = await visit(t, world.browser, charter.url, { at: MOMENTS.after });
      await pick(page, [photo('early.jpg')]);
      await settled(page, 'early.jpg', say('script.refused_window'));
      assert.deepEqual(await world.stage.uploads(charter.charter_id), []);
    });
  });
}

// A charter that left the dock, and its page on a guest's phone.
async function aboard(t, world) {
  // It leaves in a minute, for one that has left before anybody heard of it waits for a person; the phone's clock is an hour ahead.
  const charter = await world.stage.deliver({ start_at: new Date(Date.now() + 60_000).toISOString() });
  const at = new Date(Date.now() + 3_600_000).toISOString();
  return { charter, ...await visit(t, world.browser, charter.url, { at }) };
}

function photo(name, mimeType = 'image/jpeg', bytes = 2_000) {
  return { name, mimeType, buffer: Buffer.alloc(bytes, name) };
}

// The same files on a disk: a browser knows a file again by its name, size and age.
async function onDisk(t, photos) {
  const folder = await mkdtemp(join(tmpdir(), 'album-'));
  t.after(() => rm(folder, { recursive: true }));
  return Promise.all(photos.map(async ({ name, buffer }) => {
    await writeFile(join(folder, name), buffer);
    return join(folder, name);
  }));
}

async function pick(page, files) {
  await page.locator('[data-pick]:visible').setInputFiles(files);
}

// The file's own line says so.
async function settled(page, name, text) {
  await page.getByRole('listitem').filter({ hasText: name }).filter({ hasText: text }).waitFor({ timeout: 15_000 });
}

function origins(account) {
  return account.requests.map((request) => request.url()).filter((url) => !/^(data|blob):/.test(url)).map((url) => new URL(url).origin);
}
