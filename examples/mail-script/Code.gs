// Reads confirmation mails under a Gmail label and posts each, signed, to the webhook. The same as mail_script.py, for Google Apps Script.
//
// 1. A Gmail filter puts the label "bookings" on mails of the platforms.
// 2. Project settings, script properties: WEBHOOK_URL_BOATSETTER, WEBHOOK_URL_GETMYBOAT, WEBHOOK_SECRET_BOATSETTER, WEBHOOK_SECRET_GETMYBOAT.
// 3. A time-driven trigger runs postBookings every five minutes.
//
// A mail is marked with the label "bookings-posted" only when the webhook has taken it, so nothing is lost when it cannot be reached.

const PLATFORMS = {
  'boatsetter.com': {
    name: 'BOATSETTER', id: 'Booking ID', date: 'Date', time: 'Start time', hours: 'Duration', boat: 'Boat', party: 'Guests', gross: 'Total',
    guest: 'Renter', notes: 'Message',
  },
  'getmyboat.com': {
    name: 'GETMYBOAT', id: 'Reservation', date: 'Trip date', time: 'Departure', hours: 'Length', boat: 'Listing', party: 'Group size',
    gross: 'Price', guest: 'Customer', notes: 'Note',
  },
};
const STATUSES = [[/cancel/i, 'cancelled'], [/inquiry|request/i, 'inquiry'], [/confirm|changed|updated/i, 'confirmed']];

function postBookings() {
  const posted = GmailApp.getUserLabelByName('bookings-posted') || GmailApp.createLabel('bookings-posted');
  GmailApp.search('label:bookings -label:bookings-posted', 0, 50).forEach((thread) => {
    const results = thread.getMessages().map(postMail);
    if (results.every(Boolean)) thread.addLabel(posted);
  });
}

function postMail(mail) {
  const platform = platformOf(mail.getFrom());
  if (!platform) return true;
  const body = JSON.stringify(bodyOf(mail, platform));
  const properties = PropertiesService.getScriptProperties();
  const answer = UrlFetchApp.fetch(properties.getProperty('WEBHOOK_URL_' + platform.name), {
    method: 'post',
    contentType: 'application/json',
    payload: body,
    headers: signed(properties.getProperty('WEBHOOK_SECRET_' + platform.name), 'mail_' + mail.getId(), body),
    muteHttpExceptions: true,
  });
  if (answer.getResponseCode() >= 300) console.error(answer.getResponseCode() + ': ' + answer.getContentText());
  return answer.getResponseCode() < 300;
}

function platformOf(from) {
  const domain = (from.match(/@([^>\s]+)/) || [])[1] || '';
  const name = Object.keys(PLATFORMS).find((known) => domain.toLowerCase() === known || domain.toLowerCase().endsWith('.' + known));
  return name && PLATFORMS[name];
}

function bodyOf(mail, platform) {
  const text = mail.getPlainBody();
  const said = (key) => (text.match(new RegExp('^\\s*' + platform[key] + '\\s*:\\s*(.+?)\\s*$', 'im')) || [])[1] || null;
  const number = (key) => ((said(key) || '').match(/\d+(?:\.\d+)?/) || [])[0] || null;
  const sentAt = mail.getDate().toISOString();
  const status = (STATUSES.find(([pattern]) => pattern.test(mail.getSubject())) || [])[1] || mail.getSubject().slice(0, 40);
  const hours = number('hours');
  return {
    id: mail.getId(), type: 'mail', created_at: sentAt,
    data: { booking: {
      id: said('id'), status: status, updated_at: sentAt, start_at: localStart(said('date'), said('time')),
      duration_minutes: hours ? Math.round(hours * 60) : null, boat: { name: said('boat') }, party_size: number('party'), currency: 'USD',
      gross: (said('gross') || '').replace(/[$,]|USD/g, '').trim() || null, guest: { name: said('guest') }, notes: said('notes'),
    } },
  };
}

// A local time without an offset: the webhook reads it in the dock's zone. What cannot be read is left out.
function localStart(date, time) {
  const at = new Date(date + ' ' + time);
  return isNaN(at) ? null : Utilities.formatDate(at, Session.getScriptTimeZone(), "yyyy-MM-dd'T'HH:mm:ss");
}

// Standard Webhooks (standardwebhooks.com).
function signed(secret, id, body) {
  const key = Utilities.base64Decode(secret.replace(/^whsec_/, ''));
  const timestamp = Math.floor(Date.now() / 1000).toString();
  const content = Utilities.newBlob(id + '.' + timestamp + '.' + body).getBytes();
  const signature = Utilities.base64Encode(Utilities.computeHmacSha256Signature(content, key));
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': 'v1,' + signature };
}
