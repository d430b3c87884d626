// What the page says, from the files that it is rendered from: tests name a text by its key, so that wording is free to improve.

import { readFileSync } from 'node:fs';

import { parse } from 'smol-toml';

import { ROOT } from './stage.js';

const read = (language) => parse(readFileSync(`${ROOT}/templates/guest-page.${language}.toml`, 'utf8'));
const LANGUAGES = { en: read('en'), es: read('es') };

// `words('es')('page.welcome', { name: 'Dana' })`. A key that is not there is an error, and so is a placeholder left open.
export function words(language) {
  return (key, values = {}) => {
    const text = key.split('.').reduce((table, name) => table?.[name], LANGUAGES[language]);
    if (typeof text !== 'string') throw new Error(`no text ${key} in ${language}`);
    return text.replace(/\{(\w+)\}/g, (_, name) => {
      if (!(name in values)) throw new Error(`${key} wants {${name}}`);
      return String(values[name]);
    });
  };
}
