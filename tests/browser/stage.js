// The world that the tests look at: one rehearsal, with the real function, ShipCaptainCrew's upload desk, S3 and CloudFront's edge.
//
// The tests play the two parties that are not in it: the marketplace, which signs and sends bookings, and the guests, who open
// what comes out of them.

import { spawn } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const TARGET = resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target');

// The worked example's charter, years ahead: the page's clock is set, the function's is not.
export const START = '2031-05-30T14:00:00-07:00';

export class Stage {
  #process;
  #addresses;

  static async set() {
    const stage = new Stage();
    // It stops when its standard input ends, so also when this process is killed.
    stage.#process = spawn(`${TARGET}/debug/rehearsal`, ['--stage'], { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] });
    const [line] = await Promise.race([
      once(createInterface({ input: stage.#process.stdout }), 'line'),
      once(stage.#process, 'exit').then(([code]) => { throw new Error(`the rehearsal ended with ${code}`); }),
    ]);
    stage.#addresses = JSON.parse(line);
    return stage;
  }

  async strike() {
    this.#process.stdin.end();
    await once(this.#process, 'exit');
  }

  // The guest site's origin.
  get site() { return this.#addresses.site; }

  // The page that shows and breaks all of it.
  get harbour() { return this.#addresses.harbour; }

  // ShipCaptainCrew's origin, whose upload desk the page asks for forms.
  get uploadDesk() { return new URL(this.#addresses.scc).origin; }

  // The bucket's, as browsers know it.
  get uploadBucket() { return new URL(this.#addresses.upload).origin; }

  // Delivers a snapshot of a booking; answers what the function said of it, with `url`, the guest page.
  async deliver(changes = {}) {
    const said = await this.#send(changes);
    if (said.state !== 'in_step') throw new Error(`answered ${said.status}: ${JSON.stringify(said)}`);
    return { ...said, url: `${this.site}/g/${said.charter_id}` };
  }

  // Sells a booking, whether or not it comes in step; answers what was sold.
  async sell(changes = {}) {
    const booking = { id: `BS-${randomUUID().slice(0, 8)}`, ...changes };
    await this.#send(booking);
    return booking;
  }

  // Says something newer of a booking that was sold.
  async tell(booking, changes) {
    await this.#send({ ...booking, ...changes });
  }

  // Invokes the function directly, as somebody with credentials does.
  async ask(question) {
    const { addresses } = await this.#harbour();
    const [, invoke] = addresses.find(([name]) => name === 'Invoke API');
    const url = `${invoke}/2015-03-31/functions/booking-webhook/invocations`;
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify(question) });
    return answer.json();
  }

  // A link to the office's whole desk.
  async deskLink() {
    return (await this.ask({ desk_link: {} })).url;
  }

  async #harbour() {
    return (await fetch(`${this.#addresses.harbour}/state`)).json();
  }

  // The link in the newest mail to the office about a booking, as soon as the schedule has come by. Mails about other bookings may
  // name it, too, and one mail may be about many.
  async mailLink(bookingId) {
    await this.ask({ sweep: {} });
    const { office_mailbox: mails } = await this.#harbour();
    const about = new RegExp(`^(?:- )?(?:Changed: )?(?:A delivery for )?${bookingId} ·[^]*?(https?://\\S+/desk/\\S+)`, 'm');
    const [, link] = mails.map(({ text }) => text.match(about)).findLast((found) => found) ?? [];
    if (!link) throw new Error(`no link about ${bookingId}: ${JSON.stringify(mails, null, 2)}`);
    return link;
  }

  async #send(changes) {
    const { guest, ...booking } = changes;
    const at = new Date();
    const body = JSON.stringify({
      id: `evt_${randomUUID()}`, type: 'booking.confirmed', created_at: at.toISOString(),
      data: { booking: {
        id: `BS-${randomUUID().slice(0, 8)}`, status: 'confirmed', revision: 1, updated_at: at.toISOString(),
        start_at: START, duration_minutes: 180, timezone: 'America/Los_Angeles',
        boat: { id: 'qosd', name: 'Queen of San Diego' }, party_size: 8, currency: 'USD', gross: '840.75',
        notes: 'anniversary, gate code 4711', crew_ids: ['crew-1', 'crew-2'], captain_id: 'captain-1',
        ...booking,
        guest: { name: 'Dana Whitfield', locale: 'en', ...guest },
      } },
    });
    const answer = await fetch(this.#addresses.webhook, { method: 'POST', body, headers: this.#signed(body, at) });
    return { status: answer.status, ...(await answer.json()) };
  }

  // Standard Webhooks.
  #signed(body, at) {
    const [id, timestamp] = [`msg_${randomUUID()}`, String(Math.floor(at / 1000))];
    const key = Buffer.from(this.#addresses.signing_secret.replace('whsec_', ''), 'base64');
    const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
    return {
      'content-type': 'application/json',
      'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}`,
    };
  }

  // The next `times` calls of a service (`crew`, `bucket`) whose operation begins so meet this fault.
  async fail(target, operation, fault, times = 1) {
    const body = JSON.stringify({ target, operation, fault, times });
    const answer = await fetch(`${this.#addresses.harbour}/fault`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    if (!answer.ok) throw new Error(`no such fault: ${await answer.text()}`);
  }

  // The faults that nobody has met are forgotten.
  async heal() {
    await fetch(`${this.#addresses.harbour}/heal`, { method: 'POST' });
  }

  // What guests have sent for a charter, as it lies in the bucket: name and content of each object, sorted by name.
  async uploads(charterId) {
    const bucket = `${this.#addresses.s3}/${this.#addresses.bucket}`;
    const folder = `uploads/${charterId}/`;
    const listed = await (await fetch(`${bucket}?list-type=2&prefix=${folder}`)).text();
    const keys = [...listed.matchAll(/<Key>([^<]+)<\/Key>/g)].map(([, key]) => key);
    const objects = await Promise.all(keys.map(async (key) => ({
      name: key.slice(folder.length).replace(/^[0-9a-f]+-/, ''),
      content: Buffer.from(await (await fetch(`${bucket}/${key}`)).arrayBuffer()),
    })));
    return objects.sort((one, other) => one.name.localeCompare(other.name));
  }
}
