// The charters that most tests look at, and what the clock shows on the guest's phone while they do.

// Dana's charter is on Friday, 30 May 2031, from 2 to 5 PM in San Diego (`START` in stage.js).
export const MOMENTS = {
  upcoming: '2031-05-20T09:00:00-07:00',
  tomorrow: '2031-05-29T21:00:00-07:00',
  today: '2031-05-30T08:00:00-07:00',
  late: '2031-05-30T13:50:00-07:00',
  underway: '2031-05-30T15:30:00-07:00',
  ashore: '2031-05-30T17:00:00-07:00',
  after: '2031-06-02T10:00:00-07:00',
  later: '2031-06-20T10:00:00-07:00',
};

const GUESTS = { en: { name: 'Dana Whitfield', locale: 'en' }, es: { name: 'Lucía Ferrer', locale: 'es-MX' } };

// One charter per language for all tests that only look.
export function charters(stage) {
  const delivered = {};
  return (language) => (delivered[language] ??= stage.deliver({ guest: GUESTS[language] }));
}

export const firstName = (language) => GUESTS[language].name.split(' ')[0];
