import { describe, expect, it } from 'vitest';
import { queryText } from './client';
import { backoffMs } from './event_stream';
import { asProblem, problemOf } from './problem';

describe('problems', () => {
  it('say what, where and the remedy', () =>
    expect(problemOf(400, '{"title":"Bad Request","code":"invalid","what":"no field","where":"what_if","remedy":"name one"}'))
      .toMatchObject({ code: 'invalid', what: 'no field', where: 'what_if', remedy: 'name one', status: 400, signedOut: false }));
  it('do with a title, and with no JSON at all', () => {
    expect(problemOf(502, '{"title":"Bad Gateway"}').what).toBe('Bad Gateway');
    expect(problemOf(502, '<html>').what).toBe('<html>');
    expect(problemOf(503, '').what).toBe('HTTP 503');
    expect(problemOf(500, 'x'.repeat(10_000)).what).toHaveLength(500);
    expect(problemOf(400, '{"what":["not","text"]}').what).toBe('{"what":["not","text"]}');
  });
  it('of a missing token sign out, those of a role do not', () => {
    expect(problemOf(401, '{}').signedOut).toBe(true);
    expect(problemOf(403, '{}').signedOut).toBe(false);
  });
  it('are made of anything thrown', () => expect(asProblem(new TypeError('Failed to fetch')).code).toBe('unreachable'));
});

it('queries are encoded, and what is empty is left out', () =>
  expect(queryText({ tenant: '', filter: 'intent=a&b=c', page_size: 1000, follow: false, none: undefined })).toBe('?filter=intent%3Da%26b%3Dc&page_size=1000&follow=false'));

it('waits grow to a bound and differ', () => {
  expect([1, 2, 3, 4, 20].map((attempt) => backoffMs(attempt, 1000, 0))).toEqual([1000, 2000, 4000, 8000, 15_000]);
  expect(backoffMs(1, 1000, 1)).toBe(750);
});
