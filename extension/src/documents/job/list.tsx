/** The latest background jobs of the project. */

import React from 'react';

import { useNow } from '../../panel/context';
import { Ago, Dot } from '../../panel/parts';
import type { Job } from '../../records';
import { count, duration } from '../../text';
import { trans } from '../../translation';
import { useAnswer } from '../answer';
import { useDocument } from '../context';
import { Card, Frame, Waiting } from '../parts/frame';
import { CancelJob } from './cancel';
import { stateOf } from './state';

export function JobList(): JSX.Element {
  const { data, problem } = useAnswer(
    'GET /jobs',
    {},
    { when: change => change.jobs.length > 0, every: 10_000 }
  );
  if (!data) {
    return <Waiting problem={problem} />;
  }
  const running = data.jobs.filter(job => job.status === 'RUNNING').length;
  return (
    <Frame
      kind={trans.__('Project')}
      title={trans.__('Background jobs')}
      summary={
        running
          ? trans.__('%1 running', count(running, 'job'))
          : trans.__('none is running')
      }
      problem={problem}
    >
      <Card title={trans.__('Latest')} wide>
        {data.jobs.length ? (
          <ul className="mlnb-Jobs">
            {data.jobs.map(job => (
              <JobRow key={job.id} job={job} />
            ))}
          </ul>
        ) : (
          <p className="mlnb-Empty">
            {trans.__(
              'What the buttons of the panel start without a notebook in use runs here, in the background.'
            )}
          </p>
        )}
      </Card>
    </Frame>
  );
}

function JobRow({ job }: { job: Job }): JSX.Element {
  const { open } = useDocument();
  const running = job.status === 'RUNNING';
  const now = useNow(running ? 1000 : null);
  const state = stateOf(job);
  return (
    <li>
      <Dot {...state} />
      <button
        type="button"
        className="mlnb-Link mlnb-Jobs-line"
        onClick={() => open('job', job.id)}
      >
        {job.line}
      </button>
      <span className="mlnb-Jobs-said" title={job.message || job.last}>
        {job.message || job.last}
      </span>
      <span className="mlnb-Jobs-aside">
        {duration(job.started, job.ended, now)}
        {' · '}
        <Ago time={job.started} />
      </span>
      {running && <CancelJob job={job} />}
    </li>
  );
}
