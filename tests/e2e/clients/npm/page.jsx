// An application in a browser: React, the OpenFeature web SDK and the npm web provider, unmodified.
import { createRoot } from 'react-dom/client';
import { OpenFeature, OpenFeatureProvider, useBooleanFlagValue, useNumberFlagValue, useObjectFlagValue, useStringFlagValue } from '@openfeature/react-sdk';
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';

const FALLBACKS = { switch: false, banner: '', limit: 0, ratio: 0, colors: {}, targeted: false, unknown: false };
const typed = { boolean: 'getBooleanDetails', string: 'getStringDetails', number: 'getNumberDetails', object: 'getObjectDetails' };

function Flags() {
  const shown = {
    everyone: useBooleanFlagValue('everyone', false),
    switch: useBooleanFlagValue('switch', false),
    banner: useStringFlagValue('banner', 'fallback'),
    limit: useNumberFlagValue('limit', 0),
    colors: useObjectFlagValue('colors', {}),
  };
  return <pre id="flags">{JSON.stringify(shown)}</pre>;
}

function details(flag, fallback = FALLBACKS[flag]) {
  const found = OpenFeature.getClient()[typed[typeof fallback]](flag, fallback);
  return { value: found.value, variant: found.variant ?? null, reason: found.reason, error: found.errorCode ?? null };
}

// how the test drives the page
window.app = {
  details,
  async start({ base, token, user, cacheMode }) {
    const headers = token ? [['Authorization', `Bearer ${token}`]] : [];
    await OpenFeature.setContext(user ? { targetingKey: user } : {});
    await OpenFeature.setProviderAndWait(new OFREPWebProvider({ baseUrl: base, headers, cacheMode }));
    createRoot(document.getElementById('root')).render(<OpenFeatureProvider><Flags /></OpenFeatureProvider>);
  },
  become: (context) => OpenFeature.setContext(context),
  async variants(users, flags) {
    const all = {};
    for (const user of users) {
      await OpenFeature.setContext({ targetingKey: user });
      all[user] = Object.fromEntries(flags.map((flag) => [flag, details(flag).variant]));
    }
    return all;
  },
};
