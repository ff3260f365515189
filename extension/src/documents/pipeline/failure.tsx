/** What went wrong first: the error, the cell, its traceback. */

import { notebookIcon } from '@jupyterlab/ui-components';
import { Button } from '@jupyterlab/ui-components';
import React from 'react';

import { ProblemBox } from '../../panel/parts';
import type { StepFailure } from '../../records';
import { trans } from '../../translation';
import { Card } from '../parts/frame';

export function Failure({
  failure,
  failures,
  canOpen,
  onOpen,
  onSelect
}: {
  failure: StepFailure;
  /** How many steps failed. */
  failures: number;
  canOpen: boolean;
  onOpen: () => void;
  onSelect: () => void;
}): JSX.Element {
  const where =
    failure.cell !== null
      ? trans.__('%1, cell %2', failure.step, failure.cell)
      : failure.step;
  return (
    <Card
      title={trans.__('What failed first: %1', where)}
      wide
      aside={
        <div className="mlnb-Step-actions">
          {failures > 1 && (
            <span className="mlnb-Aside">
              {trans.__('%1 more failed', failures - 1)}
            </span>
          )}
          <Button
            minimal
            small
            className="mlnb-Action"
            title={trans.__('Show the step below')}
            onClick={onSelect}
          >
            {trans.__('Show step')}
          </Button>
          {canOpen && (
            <Button
              minimal
              small
              className="mlnb-Action"
              title={trans.__('Open the notebook as it was executed')}
              onClick={onOpen}
            >
              <notebookIcon.react tag="span" />
              {failure.cell !== null
                ? trans.__('Open at the failing cell')
                : trans.__('Open executed notebook')}
            </Button>
          )}
        </div>
      }
    >
      <ProblemBox
        problem={{ error: 'Step', message: failure.error, fix: '' }}
      />
      {failure.traceback && (
        <pre
          className="mlnb-Log"
          tabIndex={0}
          aria-label={trans.__('Traceback')}
        >
          {failure.traceback}
        </pre>
      )}
      {failure.source && (
        <details className="mlnb-Details">
          <summary>{trans.__('The cell')}</summary>
          <pre className="mlnb-Log" tabIndex={0}>
            {failure.source}
          </pre>
        </details>
      )}
      {failure.shown && (
        <details className="mlnb-Details">
          <summary>{trans.__('What it showed before')}</summary>
          <pre className="mlnb-Log" tabIndex={0}>
            {failure.shown}
          </pre>
        </details>
      )}
    </Card>
  );
}
