// A guest with a browser: opens pages on one shared Chromium, and keeps account of what each page asked for and complained about.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';

import AxeBuilder from '@axe-core/playwright';
import { chromium } from 'playwright-core';

import { TARGET } from './stage.js';

export const SCREENSHOTS = `${TARGET}/screenshots`;
export const WIDTHS = [320, 390, 768, 1280];

const HEIGHT = 844;
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'];

// CHROMIUM names another one; scripts/browser-tests.sh hands on what scripts/chromium.sh found.
export function executable() {
  return process.env.CHROMIUM || CANDIDATES.find((path) => existsSync(path));
}

export const SWITCHES = ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];

export function launch() {
  mkdirSync(SCREENSHOTS, { recursive: true });
  return chromium.launch({ executablePath: executable(), args: SWITCHES });
}

// Opens `url` as a guest whose clock shows `at`, and answers the page with its account. The context closes with the test.
export async function visit(t, browser, url, options = {}) {
  const { at, width = 390, scheme = 'light', timezone = 'America/Los_Angeles', language = 'en-US', ...context } = options;
  const guest = await browser.newContext({
    viewport: { width, height: HEIGHT }, colorScheme: scheme, timezoneId: timezone, locale: language, reducedMotion: 'reduce', ...context,
  });
  t.after(() => guest.close());
  const page = await guest.newPage();
  const account = { requests: [], complaints: [] };
  page.on('request', (request) => account.requests.push(request));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) account.complaints.push(message.text());
  });
  page.on('pageerror', (error) => account.complaints.push(String(error)));
  if (at) await page.clock.setFixedTime(new Date(at));
  account.response = await page.goto(url, { waitUntil: 'load' });
  return { page, account };
}

// Nothing but the page itself was asked for, and nobody complained.
export function assertQuiet(account) {
  const asked = account.requests.map((request) => request.url()).filter((url) => !url.startsWith('data:'));
  assert.equal(asked.length, 1, `one request, not ${asked.join(', ')}`);
  assert.deepEqual(account.complaints, []);
}

// No part of the page is wider than the screen, and none is squeezed to nothing, at any of the usual widths.
export async function assertFits(page, what, { shoot = true } = {}) {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: HEIGHT });
    const overflow = await page.evaluate(() => {
      const wide = [...document.body.querySelectorAll('*')].filter((element) => {
        const clipped = element.closest('[aria-hidden=true], svg');
        const box = element.getBoundingClientRect();
        return !clipped && box.width > 1 && (box.right > innerWidth + 0.5 || box.left < -0.5);
      });
      const crushed = [...document.body.querySelectorAll('p, h1, h2, li, dt, dd, a, button, span, bdi, strong, time')].filter((element) =>
        element.checkVisibility() && element.textContent.trim() && element.getBoundingClientRect().width < 1);
      const named = (elements) => elements.map((element) => element.outerHTML.slice(0, 120));
      return { scroll: document.documentElement.scrollWidth - innerWidth, wide: named(wide), crushed: named(crushed) };
    });
    assert.deepEqual(overflow, { scroll: 0, wide: [], crushed: [] }, `${what} at ${width} px`);
    if (shoot) await page.screenshot({ path: `${SCREENSHOTS}/${what}-${width}.png`, fullPage: true });
  }
}

// axe finds nothing serious or critical; what is moderate or minor is printed, not hidden.
export async function assertAccessible(t, page, what) {
  const { violations, passes } = await new AxeBuilder({ page }).withTags(WCAG).analyze();
  assert.ok(passes.length > 10, 'axe has looked at something');
  const named = ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`;
  const grave = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact)).map(named);
  for (const violation of violations.filter(({ impact }) => !['serious', 'critical'].includes(impact))) t.diagnostic(`${what}: ${named(violation)}`);
  assert.deepEqual(grave, [], what);
}
