import { ServerConnection } from '@jupyterlab/services';
import { describe, expect, it, vi } from 'vitest';

import { Api, ApiError, asProblem } from './api';
import { overview, run } from './testing/samples';

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
        /^http:\/\/localhost:8888\/user\/analyst\/mlnb\/api\/overview\?folder=my%20work/
      );
      expect(request.headers.get('Authorization')).toBe('token secret');
      return Promise.resolve(new Response(JSON.stringify(overview())));
    });
    expect(await apiWith(fetch).overview('my work')).toEqual(overview());
    expect(fetch).toHaveBeenCalledOnce();
  });

  it('unwraps a list', async () => {
    const api = answering(200, { runs: [run()] });
    expect(await api.list('runs', '')).toEqual([run()]);
  });

  it("shows mlnb's own errors as they are", async () => {
    const body = { error: 'UnknownName', message: 'No run.', fix: 'Look.' };
    const error = await failure(answering(404, body).list('runs', ''));
    expect(asProblem(error)).toEqual(body);
  });

  it('tells that the server extension is missing', async () => {
    const error = await failure(
      answering(404, '<html>Not found</html>').overview('')
    );
    expect(error.fix).toContain('jupyter server extension enable mlnb');
  });

  it('tells that one has to log in', async () => {
    const error = await failure(
      answering(403, { message: 'Forbidden' }).overview('')
    );
    expect(error.message).toContain('log in');
  });

  it('names any other status', async () => {
    const error = await failure(answering(502, '', 'Bad Gateway').overview(''));
    expect(error.message).toBe('The server answered 502 Bad Gateway.');
  });

  it('tells that the server does not answer', async () => {
    const api = apiWith(() => Promise.reject(new TypeError('refused')));
    const error = await failure(api.overview(''));
    expect(error.message).toBe('The Jupyter server does not answer.');
  });
});

describe('asProblem', () => {
  it('takes anything', () => {
    expect(asProblem(new Error('odd')).message).toBe('odd');
    expect(asProblem('odd').message).toBe('odd');
  });
});
