// The calendar file, read by two other libraries than the one that wrote it: ical.js, which Thunderbird reads with, and Python's icalendar.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import ICAL from 'ical.js';

import { readWithPython } from '../icalendar.js';
import { MOMENTS } from '../charters.js';
import { START } from '../stage.js';
import { visit } from '../visitor.js';

export function calendarFile(world) {
  describe('the calendar file', { concurrency: 1 }, () => {
    test('a new charter is one confirmed event at the right instant', async () => {
      for (const language of ['en', 'es']) {
        const { url } = await world.charter(language);
        const answer = await fetch(`${url}.ics`);
        assert.equal(answer.headers.get('content-type'), 'text/calendar; charset=utf-8');
        const event = read(await answer.text());
        assert.equal(event.starts, Date.parse(START));
        assert.equal(event.ends, Date.parse('2031-05-30T17:00:00-07:00'));
        assert.equal(event.status, 'CONFIRMED');
        assert.match(event.summary, /Queen of San Diego/);
        assert.match(event.location, /1880 Harbor Island Drive/);
        assert.ok(event.url === url && event.description.includes(url), 'it leads back to the page');
        assert.match(event.description, /\+1 619 555 0100/);
        assert.match(event.description, /https:\/\/www\.google\.com\/maps\//);
        assert.deepEqual(event.position, [32.7258, -117.2005]);
        assert.deepEqual(event.alarms, [-24 * 3600, -2 * 3600]);
      }
    });

    test('it is right on both sides of a clock change, and across it', async () => {
      for (const [start_at, ends] of [
        ['2031-11-01T14:00:00-07:00', '2031-11-01T17:00:00-07:00'],
        ['2031-11-03T14:00:00-08:00', '2031-11-03T17:00:00-08:00'],
        ['2031-11-02T00:30:00-07:00', '2031-11-02T02:30:00-08:00'],
        ['2031-03-09T01:00:00-08:00', '2031-03-09T05:00:00-07:00'],
        ['2031-05-30T22:30:00-07:00', '2031-05-31T01:30:00-07:00'],
        ['2031-05-30T14:00:00-07:00', '2031-05-31T11:00:00-07:00'],
      ]) {
        const { url } = await world.stage.deliver({ start_at, duration_minutes: (Date.parse(ends) - Date.parse(start_at)) / 60_000 });
        const event = read(await (await fetch(`${url}.ics`)).text());
        assert.deepEqual([event.starts, event.ends], [Date.parse(start_at), Date.parse(ends)], start_at);
      }
    });

    test('the page and Google Calendar get the same times', async (t) => {
      const { url } = await world.charter('en');
      const { page } = await visit(t, world.browser, url, { at: MOMENTS.upcoming });
      const file = page.locator('[data-calendar]:visible');
      assert.equal(new URL(await file.getAttribute('href'), url).href, `${url}.ics`);
      const outlook = new URL(await page.locator('[data-outlook]:visible').getAttribute('href'));
      assert.deepEqual(['startdt', 'enddt'].map((name) => Date.parse(outlook.searchParams.get(name))), [Date.parse(START), Date.parse('2031-05-30T17:00:00-07:00')]);
      assert.equal(await page.locator('[data-subscribe]:visible').getAttribute('href'), `${url.replace(/^https?:/, 'webcal:')}.ics`);
      const google = new URL(await page.locator('a[href*="calendar.google.com"]:visible').getAttribute('href'));
      const stamp = (time) => new Date(time).toISOString().replace(/[-:]|\.\d+/g, '');
      const { starts, ends } = read(await (await fetch(`${url}.ics`)).text());
      const dates = google.searchParams.get('dates');
      const zoned = google.searchParams.get('ctz') === 'America/Los_Angeles' && dates === '20310530T140000/20310530T170000';
      assert.ok(zoned || dates === `${stamp(starts)}/${stamp(ends)}`, dates);
    });

    test('a change reaches the event in the guest’s calendar', async () => {
      const booking = { id: `BS-ics-${Date.now()}` };
      const { url } = await world.stage.deliver(booking);
      const file = async () => read(await (await fetch(`${url}.ics`)).text());
      const created = await file();

      await world.stage.deliver({ ...booking, revision: 2, start_at: '2031-06-01T10:00:00-07:00' });
      const moved = await file();
      assert.equal(moved.uid, created.uid);
      assert.equal(moved.starts, Date.parse('2031-06-01T10:00:00-07:00'));
      assert.equal(moved.status, 'CONFIRMED');
      assert.ok(moved.sequence > created.sequence, `${moved.sequence} after ${created.sequence}`);
      assert.ok(moved.stamp >= created.stamp);

      await world.stage.deliver({ ...booking, revision: 3, start_at: '2031-06-01T10:00:00-07:00', status: 'cancelled' });
      const off = await file();
      assert.equal(off.uid, created.uid);
      assert.equal(off.starts, moved.starts);
      assert.equal(off.status, 'CANCELLED');
      assert.ok(off.sequence > moved.sequence, `${off.sequence} after ${moved.sequence}`);
    });
  });
}

// The one event of a file that any calendar takes: RFC 5545's required properties are there, and no line is longer than it allows.
function read(text) {
  assert.ok(text.endsWith('\r\n') && !/[^\r]\n/.test(text), 'lines end with CR LF');
  for (const line of text.split('\r\n')) assert.ok(Buffer.byteLength(line) <= 75, `${line} is too long`);
  const calendar = new ICAL.Component(ICAL.parse(text));
  assert.equal(calendar.getFirstPropertyValue('version'), '2.0');
  assert.ok(calendar.getFirstPropertyValue('prodid'));
  const [component, ...others] = calendar.getAllSubcomponents('vevent');
  assert.equal(others.length, 0);
  const event = new ICAL.Event(component);
  const alarms = component.getAllSubcomponents('valarm').map((alarm) => alarm.getFirstPropertyValue('trigger').toSeconds());
  const stamp = component.getFirstPropertyValue('dtstamp');
  assert.ok(event.uid && stamp, 'UID and DTSTAMP');
  for (const time of [event.startDate, event.endDate]) {
    // Either an instant, or local time in a zone that the file itself explains.
    const explained = calendar.getAllSubcomponents('vtimezone').map((zone) => zone.getFirstPropertyValue('tzid'));
    assert.ok(time.zone === ICAL.Timezone.utcTimezone || explained.includes(time.zone.tzid), time.zone.tzid);
  }
  const known = {
    uid: event.uid, summary: event.summary, location: event.location, description: event.description, sequence: Number(event.sequence ?? 0),
    status: component.getFirstPropertyValue('status'), url: component.getFirstPropertyValue('url'), stamp: stamp.toJSDate().getTime(),
    starts: event.startDate.toJSDate().getTime(), ends: event.endDate.toJSDate().getTime(),
    alarms, position: component.getFirstPropertyValue('geo'),
  };
  assert.deepEqual(readWithPython(text), { ...known, alarms: known.alarms, position: known.position ?? null }, 'both libraries read the same');
  return known;
}
