/** Tokens by pool. */
export type Tokens = Record<string, number>;

/** One thing that was asked of a hold, as somebody saw it who stood between. */
export type Asked = {
  verb: 'progress' | 'settle' | 'release';
  key: string;
  tokens: Tokens | null;
  /** Stopped: Tollgate never heard of it. Lost: it may have. Open: it is not known yet. */
  outcome: 'open' | 'stopped' | 'lost' | 'done' | 'refused';
};

/** One decision about a hold, as Tollgate keeps it. Without a key: it has expired. */
export type Decided = {
  id: string;
  operation: 'PROGRESS' | 'SETTLE' | 'RELEASE';
  key: string | null;
  points: number;
  shortfall: number;
  tokens: Tokens | null;
};

export type HeldStream = {
  status: string;
  endedBy: string | null;
  settledAmount: number | null;
  /** In the order in which they were asked and decided. */
  asked: Asked[];
  decided: Decided[];
  usages: { id: string; points: number }[];
};

/** What became of a hold, and the promises that were broken, in words. */
export type Judged = { end: Decided | null; broken: string[] };

/** Whether a stream was charged what had been reported, or what it was settled with, once. */
export function judge(stream: HeldStream): Judged {
  const ends = stream.decided.filter(({ operation }) => operation !== 'PROGRESS');
  const [end] = ends;
  if (end === undefined) return { end: null, broken: [`it is ${stream.status} for ever`] };
  const broken = [
    ...ofReports(stream),
    ...(end.key === null ? ofExpiry(stream, end) : ofEnding(stream, end)),
  ];
  if (ends.length > 1) broken.push(`it ended ${ends.length} times`);
  return { end, broken: [...broken, ...ofRows(stream, end)] };
}

/** What was answered is kept, and what is kept was asked, once. */
function ofReports({ asked, decided }: HeldStream): string[] {
  const kept = decided.filter(({ operation }) => operation === 'PROGRESS');
  const reports = asked.filter(({ verb }) => verb === 'progress');
  const invented = kept.filter(
    (report) => reports.filter((one) => isSame(one, report) && mayBeDone(one)).length !== 1,
  );
  const lost = reports.filter(
    (report) => report.outcome === 'done' && kept.filter((one) => isSame(report, one)).length !== 1,
  );
  return [
    ...invented.map(({ id }) => `the report ${id} is kept, and was not asked for`),
    ...lost.map(({ key }) => `the report ${key} was answered, and is lost or doubled`),
  ];
}

/** It expired: charged is the last report that was answered, or a later one whose answer nobody saw. */
function ofExpiry({ asked, decided }: HeldStream, end: Decided): string[] {
  const broken = asked
    .filter(({ verb, outcome }) => verb !== 'progress' && outcome === 'done')
    .map(({ verb, key }) => `the ${verb} ${key} was answered, and it expired`);
  const reports = asked.filter(({ verb, outcome }) => verb === 'progress' && outcome !== 'refused');
  const answered = reports.findLastIndex(({ outcome }) => outcome === 'done');
  const allowed = reports.slice(Math.max(answered, 0)).filter(mayBeDone);
  const wanted = allowed.map(({ tokens }) => pointsOf(tokens));
  if (answered < 0) wanted.push(0);
  const charged = end.points + end.shortfall;
  if (!wanted.includes(charged)) {
    broken.push(`it is charged ${charged} points where ${wanted.join(' or ')} were reported`);
  }
  if (charged > 0 && !allowed.some(({ tokens }) => isEqual(tokens, end.tokens))) {
    broken.push(`it is charged for ${said(end.tokens)}, which was not reported last`);
  }
  const last = decided.findLast(({ operation }) => operation === 'PROGRESS');
  if (last === undefined ? charged !== 0 : !isEqual(last.tokens, end.tokens) || last.points !== charged) {
    broken.push(`it is charged ${charged} points, and Tollgate itself knows of ${last?.points ?? 0}`);
  }
  return broken;
}

/** Somebody ended it: charged is what they said. */
function ofEnding({ asked }: HeldStream, end: Decided): string[] {
  const verb = end.operation === 'SETTLE' ? 'settle' : 'release';
  const said = asked.filter((one) => one.verb === verb && one.key === end.key && mayBeDone(one));
  if (said.length === 0) return [`nobody asked for its end ${end.id}`];
  if (verb === 'release') return [];
  const charged = end.points + end.shortfall;
  return said
    .filter(({ tokens }) => !isEqual(tokens, end.tokens) || pointsOf(tokens) !== charged)
    .map(({ tokens }) => `it was settled with ${JSON.stringify(tokens)} and charged ${charged} points`);
}

/** The rows of a hold and of its usage say what its end says. */
function ofRows({ status, endedBy, settledAmount, usages }: HeldStream, end: Decided): string[] {
  const isSettled = end.operation === 'SETTLE';
  const broken: string[] = [];
  if (status !== (isSettled ? 'SETTLED' : 'RELEASED') || endedBy !== end.id) {
    broken.push(`it is ${status} by ${endedBy}, and ended by ${end.id}`);
  }
  if (isSettled && settledAmount !== end.points)
    broken.push(`it says that ${settledAmount} points were charged`);
  const charged = isSettled ? end.points : 0;
  const wanted = charged === 0 ? [] : [{ id: end.id, points: charged }];
  const found = usages.map(({ id, points }) => ({ id, points }));
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    broken.push(`its usages are ${JSON.stringify(found)} where it was charged ${charged} points`);
  }
  return broken;
}

function mayBeDone({ outcome }: Asked): boolean {
  return outcome === 'done' || outcome === 'lost' || outcome === 'open';
}

function isSame(one: { key: string | null; tokens: Tokens | null }, other: typeof one): boolean {
  return one.key === other.key && isEqual(one.tokens, other.tokens);
}

/** A pool with nothing in it may be left out. */
export function isEqual(one: Tokens | null, other: Tokens | null): boolean {
  return said(one) === said(other);
}

function said(tokens: Tokens | null): string {
  return JSON.stringify(
    Object.entries(tokens ?? {})
      .filter(([, count]) => count > 0)
      .sort(),
  );
}

/** Of the tests' model, reckoned apart from the catalog: its tokens in millionths of a dollar, a point for a cent. */
export function pointsOf(tokens: Tokens | null): number {
  const { input = 0, cachedInput = 0, output = 0, reasoning = 0 } = tokens ?? {};
  return Math.ceil((10 * input + cachedInput + 20 * (output + reasoning)) / 10_000);
}
