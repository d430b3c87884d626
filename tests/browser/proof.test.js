// The guest page and the office's desk in a real browser: Chromium opens what the real function has published, through the rehearsal's edge.
//
// One rehearsal and one browser serve all tests; each test has a browser context of its own and a charter of its own, so they
// run side by side. Screenshots go to target/screenshots.

import { after, before, describe } from 'node:test';

import { charters } from './charters.js';
import { access } from './suites/access.js';
import { desk } from './suites/desk.js';
import { harbour } from './suites/harbour.js';
import { calendarFile } from './suites/calendar-file.js';
import { names } from './suites/names.js';
import { phases } from './suites/phases.js';
import { photos } from './suites/photos.js';
import { preview } from './suites/preview.js';
import { privacy } from './suites/privacy.js';
import { notFoundPage } from './suites/not-found-page.js';
import { Stage } from './stage.js';
import { launch } from './visitor.js';

const world = {};

before(async () => {
  world.stage = await Stage.set();
  world.charter = charters(world.stage);
  world.browser = await launch();
});

after(async () => {
  await world.browser?.close();
  await world.stage?.strike();
});

describe('the pages', { concurrency: 3 }, () => {
  for (const suite of [phases, access, photos, names, privacy, calendarFile, preview, notFoundPage, desk, harbour]) suite(world);
});
