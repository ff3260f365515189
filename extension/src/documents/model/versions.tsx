/** All versions of a model, one of which is looked at. */

import React from 'react';

import { Ago, Badge, Dot } from '../../panel/parts';
import type { ModelDocument, ModelVersion } from '../../records';
import { number } from '../../text';
import { trans } from '../../translation';
import { Card } from '../parts/frame';
import { RefLink } from '../parts/ref-link';
import { gateOf } from './gates';

const METRICS = 4;

export function Versions({
  model,
  selected,
  onSelect
}: {
  model: ModelDocument;
  selected: number;
  onSelect: (number: number) => void;
}): JSX.Element {
  const metrics = commonMetrics(model.versions);
  return (
    <Card
      wide
      title={trans.__('Versions')}
      aside={
        <span className="mlnb-Card-aside">{number(model.versions.length)}</span>
      }
    >
      <div
        className="mlnb-Scroll mlnb-mod-tall"
        tabIndex={0}
        role="region"
        aria-label={trans.__('Versions of %1', model.name)}
      >
        <table className="mlnb-Rows mlnb-mod-choice">
          <thead>
            <tr>
              <th scope="col">{trans.__('Version')}</th>
              <th scope="col">{trans.__('Aliases')}</th>
              {metrics.map(name => (
                <th key={name} scope="col" className="mlnb-mod-number">
                  {name}
                </th>
              ))}
              <th scope="col">{trans.__('Served by')}</th>
              <th scope="col">{trans.__('Registered')}</th>
              <th scope="col">{trans.__('By')}</th>
            </tr>
          </thead>
          <tbody>
            {model.versions.map(version => (
              <VersionRow
                key={version.number}
                version={version}
                metrics={metrics}
                served={model.served.filter(
                  one => one.number === version.number
                )}
                selected={version.number === selected}
                onSelect={() => onSelect(version.number)}
              />
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

/** Those that most versions have, by name. */
function commonMetrics(versions: ModelVersion[]): string[] {
  const counts = new Map<string, number>();
  for (const version of versions) {
    for (const name of Object.keys(version.metrics)) {
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  return [...counts]
    .sort(([a, m], [b, n]) => n - m || a.localeCompare(b))
    .slice(0, METRICS)
    .map(([name]) => name);
}

function VersionRow({
  version,
  metrics,
  served,
  selected,
  onSelect
}: {
  version: ModelVersion;
  metrics: string[];
  served: ModelDocument['served'];
  selected: boolean;
  onSelect: () => void;
}): JSX.Element {
  return (
    <tr className={selected ? 'mlnb-mod-selected' : ''} onClick={onSelect}>
      <th scope="row">
        <button
          type="button"
          className="mlnb-Rows-name"
          aria-pressed={selected}
          onClick={onSelect}
        >
          <Dot {...gateOf(version)} />
          <span>{`v${version.number}`}</span>
        </button>
      </th>
      <td>
        <span className="mlnb-Badges">
          {version.aliases.map(alias => (
            <Badge key={alias} tone="good">
              {alias}
            </Badge>
          ))}
        </span>
      </td>
      {metrics.map(name => (
        <td key={name} className="mlnb-mod-number">
          {name in version.metrics ? number(version.metrics[name] ?? null) : ''}
        </td>
      ))}
      <td>
        {served.map((one, at) => (
          <React.Fragment key={`${one.endpoint} ${one.role}`}>
            {at > 0 && ', '}
            <RefLink kind="endpoint" id={one.endpoint} />
            {one.role !== 'current' && ` (${one.role})`}
          </React.Fragment>
        ))}
      </td>
      <td>
        <Ago time={version.created} />
      </td>
      <td>{version.author}</td>
    </tr>
  );
}
