// Takes the documents' pictures anew, of what the real function makes of bookings: make pictures.

import { writeFileSync } from 'node:fs';

import { Stage, ROOT } from './stage.js';
import { launch } from './visitor.js';

const FOLDER = `${ROOT}/docs/images`;
const PHONE = { width: 390, height: 844 };
const LARGEST_BYTES = 200_000;
const REFUSED = { kind: 'answer', status: 422, acted: false };

async function take(target, name, options = {}) {
  const picture = await target.screenshot({ animations: 'disabled', ...options });
  if (picture.length > LARGEST_BYTES) throw new Error(`${name} has ${picture.length} bytes, at most ${LARGEST_BYTES}`);
  writeFileSync(`${FOLDER}/${name}.png`, picture);
  console.log(`docs/images/${name}.png  ${picture.length} bytes`);
}

const open = async (browser, url, { scale = 1, ...viewport }) => {
  const context = await browser.newContext({
    viewport, deviceScaleFactor: scale, timezoneId: 'America/Los_Angeles', locale: 'en-US', reducedMotion: 'reduce', colorScheme: 'light',
  });
  const page = await context.newPage();
  await page.goto(url, { waitUntil: 'load' });
  return page;
};

// One booking in step everywhere.
async function harbour(stage, browser) {
  const page = await open(browser, stage.harbour, { width: 1280, height: 1000 });
  await page.getByRole('button', { name: 'Sample booking' }).click();
  await page.locator('#standing-state', { hasText: 'in step' }).waitFor();
  await page.frameLocator('#guest').locator('h1').waitFor();
  await page.frameLocator('#aboard').locator('h1').waitFor();
  await page.evaluate(() => scrollTo(0, 0));
  await take(page, 'harbour');
  return page;
}

// What the guest opens some days ahead.
async function guestPage(stage, browser) {
  const { url } = await stage.deliver();
  const page = await open(browser, url, { ...PHONE, scale: 1.5 });
  await take(page, 'guest-page');
}

// The calendar refuses an entry, and the office is mailed.
async function notice(stage, harbour) {
  await stage.fail('calendar', 'POST', REFUSED);
  await harbour.getByRole('button', { name: 'Sample booking' }).click();
  await harbour.locator('#standing-state', { hasText: 'parked' }).waitFor();
  await harbour.getByRole('button', { name: 'Sweep now' }).click();
  const mail = harbour.locator('#office li').filter({ hasText: 'needs a person' }).first();
  await mail.waitFor();
  await take(mail, 'notice');
}

const stage = await Stage.set();
const browser = await launch();
try {
  const page = await harbour(stage, browser);
  await guestPage(stage, browser);
  await notice(stage, page);
} finally {
  await browser.close();
  await stage.strike();
}
