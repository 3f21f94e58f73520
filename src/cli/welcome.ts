export type Welcome = {
  address: string;
  /** The first key, to be shown this once. */
  madeKey: string | null;
  hasOwnKey: boolean;
  simulatorUrl: string | null;
};

/** What a start prints: where to go, and, the first time, the key and three lines to try. */
export function welcome({ address, madeKey, hasOwnKey, simulatorUrl }: Welcome): string {
  const stripe =
    simulatorUrl === null
      ? 'your account'
      : `simulated at ${simulatorUrl}; set STRIPE_SECRET_KEY for the real one`;
  return [
    '',
    `  Tollgate is ready at ${address}`,
    '',
    `  API reference   ${address}/docs`,
    `  Stripe          ${stripe}`,
    ...(madeKey === null ? [`  Secret key      ${whereKeyIs(hasOwnKey)}`, ''] : firstKey(address, madeKey)),
    '',
  ].join('\n');
}

function whereKeyIs(hasOwnKey: boolean): string {
  return hasOwnKey
    ? 'the one in TOLLGATE_SECRET_KEY'
    : 'shown at the first start; `npx tollgate keys create` makes another';
}

function firstKey(address: string, key: string): string[] {
  return [
    `  Secret key      ${key}`,
    '                  It is shown this once: only its hash is kept.',
    '',
    ...curls(address, key),
  ];
}

function curls(address: string, key: string): string[] {
  const authorization = `-H 'Authorization: Bearer ${key}'`;
  const json = "-H 'Content-Type: application/json'";
  return [
    '  Create a workspace, use a feature, see what is left:',
    '',
    `curl -X PUT ${address}/v1/workspaces/acme ${authorization} ${json} -d '{"name": "Acme"}'`,
    `curl ${address}/v1/usage ${authorization} ${json} -d '{"workspaceId": "acme", "featureCode": "api.calls", "amount": 3}'`,
    `curl ${address}/v1/workspaces/acme ${authorization}`,
    '',
  ];
}
