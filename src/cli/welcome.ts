/** What a start prints: where to go, and, the first time, the key and three lines to try. */
export function welcome({
  address,
  made,
  hasOwnKey,
}: {
  address: string;
  made: string | null;
  hasOwnKey: boolean;
}): string {
  const lines = ['', `  Tollgate is ready at ${address}   (API reference: ${address}/docs)`, ''];
  if (made !== null) {
    lines.push(
      '  Your secret key. It is shown this once; only its hash is kept:',
      '',
      `    ${made}`,
      '',
      ...curls(address, made),
    );
  } else if (hasOwnKey) lines.push('  Your secret key is the one in TOLLGATE_SECRET_KEY.', '');
  else
    lines.push(
      '  Your secret key was shown at the first start; `npx tollgate keys create` makes another.',
      '',
    );
  return `${lines.join('\n')}\n`;
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
