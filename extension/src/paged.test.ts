import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { IPage, IQuestion } from './paged';
import { PAGE, PagedList } from './paged';

const QUESTION: IQuestion = { folder: '', query: '', order: '' };

class Server {
  size = 1000;
  offsets: number[] = [];
  queries: string[] = [];
  word = 'row';
  error: Error | null = null;
  held: (() => void)[] = [];
  hold = false;

  ask = async (
    asked: IQuestion & { offset: number; limit: number }
  ): Promise<IPage<string>> => {
    this.offsets.push(asked.offset);
    this.queries.push(asked.query);
    const { size, word, error } = this;
    if (this.hold) {
      await new Promise<void>(resolve => this.held.push(resolve));
    }
    if (error) {
      throw error;
    }
    const rows = Math.max(0, Math.min(asked.limit, size - asked.offset));
    const items = Array.from(
      { length: rows },
      (_, place) => `${word}-${asked.query}${asked.offset + place}`
    );
    return { items, total: size };
  };
}

describe('PagedList', () => {
  let server: Server;
  let list: PagedList<string>;

  beforeEach(() => {
    vi.useFakeTimers();
    server = new Server();
    list = new PagedList(server.ask);
    list.put(QUESTION);
  });

  afterEach(() => {
    list.dispose();
    vi.useRealTimers();
  });

  const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);
  const rest = (): Promise<unknown> => vi.advanceTimersByTimeAsync(2000);

  it('asks for nothing while nobody looks', async () => {
    await rest();
    expect(server.offsets).toEqual([]);
    expect(list.total).toBeNull();
  });

  it('asks for the beginning first, then for what is near', async () => {
    list.active = true;
    await settle();
    expect(server.offsets).toEqual([0, PAGE, 2 * PAGE]);
    expect(list.total).toBe(1000);
    expect(list.at(3)).toBe('row-3');
    expect(list.at(999)).toBeUndefined();
  });

  it('fetches the rest while nothing else is to be done', async () => {
    list.active = true;
    await rest();
    expect([...server.offsets].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 10 }, (_, page) => page * PAGE)
    );
    expect(list.at(999)).toBe('row-999');
  });

  it('does not fetch a list to its end that is too long', async () => {
    server.size = 1_000_000;
    list.active = true;
    await rest();
    expect(server.offsets).toHaveLength(3);
  });

  it('asks for what is looked at before anything else', async () => {
    server.size = 1_000_000;
    list.active = true;
    await settle();
    server.offsets = [];
    list.want(500_010, 500_030);
    await settle();
    expect(server.offsets.slice(0, 3)).toEqual([500_000, 500_100, 499_900]);
    expect(list.at(500_015)).toBe('row-500015');
  });

  it('keeps the old rows until another question is answered', async () => {
    list.active = true;
    await rest();
    server.hold = true;
    list.put({ ...QUESTION, query: 'x' });
    await settle();
    expect(list.at(0)).toBe('row-0');
    expect(list.answered?.query).toBe('');
    server.hold = false;
    server.size = 3;
    server.held.forEach(answer => answer());
    await settle();
    expect(list.at(0)).toBe('row-x0');
    expect(list.answered?.query).toBe('x');
  });

  it('drops the answer to a question that is no longer asked', async () => {
    server.hold = true;
    list.active = true;
    await settle();
    list.put({ ...QUESTION, query: 'later' });
    await settle();
    server.hold = false;
    server.held.forEach(answer => answer());
    await rest();
    expect(list.at(0)).toBe('row-later0');
  });

  it('asks again for what is looked at when rows have changed', async () => {
    list.active = true;
    await rest();
    list.want(250, 260);
    server.offsets = [];
    server.word = 'new';
    server.size = 1001;
    list.expire();
    await settle();
    expect(server.offsets[0]).toBe(2 * PAGE);
    expect(server.offsets).not.toContain(9 * PAGE);
    expect(list.at(250)).toBe('new-250');
    expect(list.at(999)).toBe('row-999');
    list.want(990, 999);
    await settle();
    expect(list.at(999)).toBe('new-999');
    expect(list.total).toBe(1001);
  });

  it('forgets rows that are no longer there', async () => {
    list.active = true;
    await rest();
    server.size = 50;
    list.expire();
    await settle();
    expect(list.total).toBe(50);
    expect(list.at(50)).toBeUndefined();
    expect(list.at(500)).toBeUndefined();
  });

  it('says why it has no answer, and asks again only when told', async () => {
    server.error = new Error('no disk');
    list.active = true;
    await rest();
    expect(list.problem?.message).toBe('no disk');
    const { length } = server.offsets;
    await rest();
    expect(server.offsets).toHaveLength(length);
    server.error = null;
    list.expire();
    await settle();
    expect(list.problem).toBeNull();
    expect(list.at(0)).toBe('row-0');
  });

  it('takes rows that were pushed', async () => {
    list.active = true;
    await settle();
    const changed = vi.fn();
    list.changed.connect(changed);
    list.patch(item => (item === 'row-3' ? 'pushed' : null));
    expect(list.at(3)).toBe('pushed');
    expect(list.at(4)).toBe('row-4');
    expect(changed).toHaveBeenCalledOnce();
    list.patch(() => null);
    expect(changed).toHaveBeenCalledOnce();
  });

  it('can have its beginning before anybody looks', async () => {
    list.prepare();
    await rest();
    expect(server.offsets).toEqual([0]);
    expect(list.at(0)).toBe('row-0');
  });
});
