// Lighthouse's own judgement of the guest page, on a phone and on a desk. By itself, because it measures time: nothing else may run.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import lighthouse, { desktopConfig } from 'lighthouse';
import { launch as launchChromium } from 'chrome-launcher';

import { Stage, TARGET } from './stage.js';
import { SWITCHES, executable } from './visitor.js';

// Not SEO: that the page is not to be found by search engines is meant.
const CATEGORIES = ['performance', 'accessibility', 'best-practices'];
const AT_LEAST = 95;
const REPORTS = `${TARGET}/lighthouse`;

let stage;
let chromium;
let charter;

before(async () => {
  stage = await Stage.set();
  charter = await stage.deliver();
  chromium = await launchChromium({ chromePath: executable(), chromeFlags: ['--headless=new', ...SWITCHES], logLevel: 'error' });
  mkdirSync(REPORTS, { recursive: true });
});

after(async () => {
  chromium?.kill();
  await stage?.strike();
});

for (const [device, config] of [['phone', undefined], ['desk', desktopConfig]]) {
  test(`Lighthouse gives at least ${AT_LEAST} in each category, on a ${device}`, async (t) => {
    const { lhr, report } = await lighthouse(charter.url, { port: chromium.port, onlyCategories: CATEGORIES, output: 'html', logLevel: 'error' }, config);
    writeFileSync(`${REPORTS}/${device}.html`, report);
    assert.equal(lhr.runtimeError, undefined);
    const scores = Object.fromEntries(CATEGORIES.map((category) => [category, Math.round(lhr.categories[category].score * 100)]));
    t.diagnostic(`${device}: ${JSON.stringify(scores)}`);
    const lost = Object.values(lhr.audits).filter(({ score, scoreDisplayMode }) => scoreDisplayMode === 'binary' && score === 0).map(({ id }) => id);
    for (const score of Object.values(scores)) assert.ok(score >= AT_LEAST, `${JSON.stringify(scores)}; lost: ${lost}`);
  });
}
