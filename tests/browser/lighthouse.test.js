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
// How fast a page is, a busy machine measures now and then too low, and never too high.
const MOST_TRIES = 3;
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
    let [lhr, scores] = [];
    for (let tries = 1; tries <= MOST_TRIES && !(scores?.performance >= AT_LEAST); tries += 1) {
      const options = { port: chromium.port, onlyCategories: CATEGORIES, output: 'html', logLevel: 'error' };
      const measured = await lighthouse(charter.url, options, config);
      writeFileSync(`${REPORTS}/${device}.html`, measured.report);
      lhr = measured.lhr;
      assert.equal(lhr.runtimeError, undefined);
      scores = Object.fromEntries(CATEGORIES.map((category) => [category, Math.round(lhr.categories[category].score * 100)]));
    }
    t.diagnostic(`${device}: ${JSON.stringify(scores)}`);
    const lost = Object.values(lhr.audits).filter(({ score, scoreDisplayMode }) => scoreDisplayMode === 'binary' && score === 0).map(({ id }) => id);
    for (const score of Object.values(scores)) assert.ok(score >= AT_LEAST, `${JSON.stringify(scores)}; lost: ${lost}`);
  });
}
