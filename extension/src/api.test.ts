import { ServerConnection } from '@jupyterlab/services';
import { describe, expect, it, vi } from 'vitest';

import type { Route } from './api';
import { Api, ApiError, asProblem } from './api';
import { PLACE } from './testing/samples';

function answering(status: number, body: unknown, statusText = ''): Api {
  return apiWith(() =>
    Promise.resolve(
      new Response(typeof body === 'string' ? body : JSON.stringify(body), {
        status,
        statusText
      })
    )
  );
}

function apiWith(fetch: (request: Request) => Promise<Response>): Api {
  return new Api(
    ServerConnection.makeSettings({
      baseUrl: 'http://localhost:8888/user/analyst/',
      token: 'secret',
      fetch: fetch as typeof globalThis.fetch
    })
  );
}

async function failure(request: Promise<unknown>): Promise<ApiError> {
  const reason: unknown = await request.catch((error: unknown) => error);
  expect(reason).toBeInstanceOf(ApiError);
  return reason as ApiError;
}

describe('Api', () => {
  it('asks below the base URL, with the token', async () => {
    const fetch = vi.fn((request: Request) => {
      expect(request.url).toMatch(
        /^http:\/\/localhost:8888\/user\/analyst\/mlnb\/api\/project\?folder=my\+work/
      );
      expect(request.headers.get('Authorization')).toBe('token secret');
      return Promise.resolve(new Response(JSON.stringify(PLACE)));
    });
    expect(
      await apiWith(fetch).ask('GET /project', { folder: 'my work' })
    ).toEqual(PLACE);
    expect(fetch).toHaveBeenCalledOnce();
  });

  it('makes a path, a query and a body of what is asked', async () => {
    const seen: string[] = [];
    const api = apiWith(async request => {
      seen.push(`${request.method} ${new URL(request.url).pathname}`);
      seen.push(
        new URL(request.url).search.replace(/&\d+$/, ''), // against caches
        await request.text()
      );
      return new Response('{}');
    });
    // a route that no server has, to see all that a route may ask for
    const route = 'POST /runs/{run}/notes' as Route;
    const asked = { folder: '', run: 'a/b ?', key: ['x', 'y'], body: { n: 1 } };
    await api.ask(route, asked);
    expect(seen).toEqual([
      'POST /user/analyst/mlnb/api/runs/a%2Fb%20%3F/notes',
      '?folder=&key=x&key=y',
      '{"n":1}'
    ]);
  });

  it("shows mlnb's own errors as they are", async () => {
    const body = { error: 'UnknownName', message: 'No run.', fix: 'Look.' };
    const error = await failure(
      answering(404, body).ask('GET /runs', { folder: '' })
    );
    expect(asProblem(error)).toEqual(body);
  });

  it('tells that the server extension is missing', async () => {
    const error = await failure(
      answering(404, '<html>Not found</html>').ask('GET /project', {
        folder: ''
      })
    );
    expect(error.fix).toContain('jupyter server extension enable mlnb');
  });

  it('tells that one has to log in', async () => {
    const error = await failure(
      answering(403, { message: 'Forbidden' }).ask('GET /project', {
        folder: ''
      })
    );
    expect(error.message).toContain('log in');
  });

  it('names any other status', async () => {
    const error = await failure(
      answering(502, '', 'Bad Gateway').ask('GET /project', { folder: '' })
    );
    expect(error.message).toBe('The server answered 502 Bad Gateway.');
  });

  it('tells that the server does not answer', async () => {
    const api = apiWith(() => Promise.reject(new TypeError('refused')));
    const error = await failure(api.ask('GET /project', { folder: '' }));
    expect(error.message).toBe('The Jupyter server does not answer.');
  });
});

describe('asProblem', () => {
  it('takes anything', () => {
    expect(asProblem(new Error('odd')).message).toBe('odd');
    expect(asProblem('odd').message).toBe('odd');
  });
});
