// Takes the documents' pictures anew, of what the real function makes of bookings: make pictures.

import { writeFileSync } from 'node:fs';

import { MOMENTS } from './charters.js';
import { ROOT, Stage } from './stage.js';
import { launch } from './visitor.js';

const FOLDER = `${ROOT}/docs/images`;
const PHONE = { width: 390, height: 844 };
const LARGEST_BYTES = 200_000;
const QUALITY = 0.85;
const REFUSED = {
  kind: 'answer_with', status: 422, acted: false, headers: { 'content-type': 'application/json' }, body: '{"message":"captain-1 is off that day"}',
};

async function take(target, name) {
  const picture = await webp(await target.screenshot({ animations: 'disabled' }));
  if (picture.length > LARGEST_BYTES) throw new Error(`${name} has ${picture.length} bytes, at most ${LARGEST_BYTES}`);
  writeFileSync(`${FOLDER}/${name}.webp`, picture);
  console.log(`docs/images/${name}.webp  ${picture.length} bytes`);
}

// A third of a PNG's size; the browser converts.
async function webp(png) {
  const page = await browser.newPage();
  const url = await page.evaluate(async ([source, quality]) => {
    const image = await createImageBitmap(await (await fetch(source)).blob());
    const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height });
    canvas.getContext('2d').drawImage(image, 0, 0);
    return canvas.toDataURL('image/webp', quality);
  }, [`data:image/png;base64,${png.toString('base64')}`, QUALITY]);
  await page.close();
  return Buffer.from(url.split(',')[1], 'base64');
}

const open = async (browser, url, { scale = 1, ...viewport }, at) => {
  const context = await browser.newContext({
    viewport, deviceScaleFactor: scale, timezoneId: 'America/Los_Angeles', locale: 'en-US', reducedMotion: 'reduce', colorScheme: 'light',
  });
  const page = await context.newPage();
  if (at) await page.clock.setFixedTime(new Date(at));
  await page.goto(url, { waitUntil: 'load' });
  return page;
};

// One booking in step everywhere.
async function harbour(stage, browser) {
  const page = await open(browser, stage.harbour, { width: 1280, height: 1000 });
  await page.getByRole('button', { name: 'Sample booking' }).click();
  await page.locator('#standing-state', { hasText: 'in step' }).waitFor();
  await page.frameLocator('#guest').getByText('Welcome aboard, Dana').waitFor();
  await page.frameLocator('#aboard').locator('h1').first().waitFor();
  await page.evaluate(() => scrollTo(0, 0));
  await take(page, 'harbour');
  return page;
}

// What the guest opens some days ahead.
async function guestPage(stage, browser) {
  const { url } = await stage.deliver();
  const page = await open(browser, url, { ...PHONE, scale: 1.5 }, MOMENTS.upcoming);
  await take(page, 'guest-page');
}

// The calendar refuses an entry, and the office is mailed.
async function notice(stage, harbour) {
  await stage.fail('calendar', 'POST', REFUSED);
  await harbour.getByRole('button', { name: 'Sample booking' }).click();
  await harbour.locator('#standing-state', { hasText: 'parked' }).waitFor();
  await harbour.getByRole('button', { name: 'Sweep now' }).click();
  await harbour.locator('#office li').filter({ hasText: 'needs a person' }).first().waitFor();
  const { office_mailbox: mails } = await (await fetch(`${stage.harbour}/state`)).json();
  const mail = mails.findLast(({ subject }) => subject.endsWith('needs a person'));
  await asMail(mail);
  return mail.text.match(/https?:\S+\/desk\/\S+/)[0];
}

// The case behind the mail's link.
async function desk(link) {
  const page = await open(browser, link, { ...PHONE, scale: 1.5 });
  await take(page, 'desk');
}

// As a phone's mail program shows it.
async function asMail({ subject, text }) {
  const page = await open(browser, 'about:blank', { ...PHONE, scale: 1.5 });
  await page.setContent(`<main style="font: 16px/1.5 system-ui; padding: 20px"><h1 style="font-size: 20px"></h1>
    <pre style="font: inherit; white-space: pre-wrap; margin: 0; overflow-wrap: anywhere"></pre></main>`);
  await page.locator('h1').evaluate((heading, words) => { heading.textContent = words; }, subject);
  // The link is long, and good for nobody who reads a document.
  const short = text.replace(/https?:\S+\/desk\/\S+/, 'https://hooks.example.com/desk/…');
  await page.locator('pre').evaluate((body, words) => { body.textContent = words; }, short);
  await take(page.locator('main'), 'notice');
}

const stage = await Stage.set();
const browser = await launch();
try {
  const page = await harbour(stage, browser);
  await guestPage(stage, browser);
  await desk(await notice(stage, page));
} finally {
  await browser.close();
  await stage.strike();
}
