/** One job: what it is, how it goes, what it says. */

import { copyIcon, refreshIcon } from '@jupyterlab/ui-components';
import React, { useEffect } from 'react';

import { useJobOutput } from '../../jobs/output';
import { useNow } from '../../panel/context';
import { Ago, IconButton, ProblemBox } from '../../panel/parts';
import { duration } from '../../text';
import { trans } from '../../translation';
import { useDocument } from '../context';
import { ActionButton } from '../parts/action';
import { Card, Frame, Waiting } from '../parts/frame';
import { Log } from '../parts/log';
import { CancelJob } from './cancel';
import { stateOf } from './state';

export function JobView({ id }: { id: string }): JSX.Element {
  const { actions, setTitle } = useDocument();
  const { job, text, cut, problem } = useJobOutput(id);
  const running = job?.status === 'RUNNING';
  const now = useNow(running ? 1000 : null);
  const line = job?.line ?? '';
  useEffect(() => {
    if (line) {
      setTitle(line);
    }
  }, [line, setTitle]);
  if (!job) {
    return <Waiting problem={problem} />;
  }
  const state = stateOf(job);
  const took = duration(job.started, job.ended, now);
  const ended = trans.__('%1 · took %2 · started', state.label, took);
  const summary = running ? trans.__('running for %1', took) : ended;
  return (
    <Frame
      kind={trans.__('Background job')}
      title={job.line}
      status={state}
      summary={
        <>
          {summary} {!running && <Ago time={job.started} />}
          {job.author && ` · ${job.author}`}
        </>
      }
      actions={
        running ? (
          <CancelJob job={job} />
        ) : (
          <ActionButton
            label={trans.__('Run again')}
            icon={refreshIcon}
            line={`%${job.line}`}
            background
          />
        )
      }
      problem={problem}
    >
      {job.message && job.status !== 'FINISHED' && (
        <div className="mlnb-Job-problem">
          <ProblemBox
            problem={{ error: 'Job', message: job.message, fix: job.fix }}
          />
        </div>
      )}
      <Card
        title={trans.__('Output')}
        wide
        aside={
          text && (
            <IconButton
              icon={copyIcon}
              label={trans.__('Copy the output')}
              onClick={() => actions.copy(text)}
            />
          )
        }
      >
        <Log
          text={text}
          cut={cut}
          label={trans.__('Output of %1', job.line)}
          empty={
            running ? trans.__('Nothing yet.') : trans.__('It said nothing.')
          }
        />
      </Card>
    </Frame>
  );
}
