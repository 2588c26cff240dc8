// Draws a dashboard's JSON with Grafana's own libraries (scenes, runtime, data, ui), and reports on window.__report what each panel got.
import React from 'react';
import { createRoot } from 'react-dom/client';
import * as rxjs from 'rxjs';
import * as lodash from 'lodash';
import * as data from '@grafana/data';
import * as runtime from '@grafana/runtime';
import * as ui from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { MemoryRouter } from 'react-router-dom';
import * as S from '@grafana/scenes';

const { from: rxFrom, of } = rxjs;
const params = new URLSearchParams(location.search);
const report: any = { queries: [], panels: {}, errors: [], ready: false };
(window as any).__report = report;
window.addEventListener('error', (e) => report.errors.push(String(e.message)));
window.addEventListener('unhandledrejection', (e) => report.errors.push('rejection: ' + String((e as any).reason?.stack ?? (e as any).reason)));

// --- the data source: what the ClickHouse plugin's frontend does with our queries. Its backend is the test's server.
class SqlSource extends runtime.DataSourceWithBackend<any, any> {
  constructor(settings: any) { super(settings); }
  filterQuery(query: any) { return Boolean(query.rawSql || query.expr) && !query.hide; }
  applyTemplateVariables(query: any, scoped: any) {
    return { ...query, rawSql: templateSrv.replace(query.rawSql, scoped), expr: query.expr && templateSrv.replace(query.expr, scoped) };
  }
  async metricFindQuery(query: any, options: any) {
    const target = { refId: 'variable', rawSql: typeof query === 'string' ? query : query.rawSql, format: 1, queryType: 'table' };
    const now = new Date();
    const range = options?.range ?? { from: data.dateTime(now.getTime() - 86400000), to: data.dateTime(now), raw: { from: 'now-24h', to: 'now' } };
    const answer: any = await rxjs.lastValueFrom(this.query({ targets: [target], range, scopedVars: options?.scopedVars ?? {}, intervalMs: 1000, maxDataPoints: 1, requestId: 'variable', app: 'dashboard', startTime: Date.now(), timezone: 'utc', interval: '1s' } as any));
    const frame = answer.data?.[0];
    return frame ? Array.from(frame.fields[0].values as any[]).map((text) => ({ text: String(text) })) : [];
  }
}

// --- Grafana's singletons
const backendSrv: any = {
  fetch(o: any) {
    const q = o.params ? '?' + new URLSearchParams(o.params) : '';
    return rxFrom((async () => {
      const res = await fetch((o.url.startsWith('/') ? o.url : '/' + o.url) + q, { method: o.method ?? 'GET', body: o.data ? JSON.stringify(o.data) : undefined, headers: { 'Content-Type': 'application/json' } });
      const text = await res.text();
      let body: any; try { body = JSON.parse(text); } catch { body = { message: text }; }
      if (o.url.includes('/api/ds/query')) {
        for (const qq of o.data.queries) {
          const a = body?.results?.[qq.refId];
          report.queries.push({ refId: qq.refId, rawSql: qq.rawSql, queryType: qq.queryType, format: qq.format, intervalMs: qq.intervalMs, status: res.status, error: a?.error ?? (res.ok ? undefined : body?.message),
            executed: a?.frames?.[0]?.schema?.meta?.executedQueryString, rows: a?.frames?.map((f: any) => f.data?.values?.[0]?.length ?? 0), fields: a?.frames?.[0]?.schema?.fields?.map((f: any) => f.name + ':' + f.type), vis: a?.frames?.[0]?.schema?.meta?.preferredVisualisationType });
        }
      }
      if (!res.ok) { throw { status: res.status, statusText: res.statusText, data: body, config: o }; }
      return { data: body, status: res.status, statusText: res.statusText, ok: true, headers: res.headers, redirected: false, type: res.type, url: res.url, config: o };
    })());
  },
  async datasourceRequest(o: any) { return rxjs.lastValueFrom(this.fetch(o)); },
  async get(url: string, p?: any) { return (await rxjs.lastValueFrom<any>(this.fetch({ url, params: p }))).data; },
  async post(url: string, d?: any) { return (await rxjs.lastValueFrom<any>(this.fetch({ url, method: 'POST', data: d }))).data; },
  request(o: any) { return rxjs.lastValueFrom<any>(this.fetch(o)).then((r: any) => r.data); },
};
const ctx = () => (window as any).__grafanaSceneContext;
const templateSrv: any = {
  replace: (t: any, scoped?: any, fmt?: any) => (ctx() ? S.sceneGraph.interpolate(ctx(), t, scoped, fmt) : (t ?? '')),
  getVariables: () => (ctx() ? (S.sceneGraph.getVariables(ctx()).state.variables as any[]).map((v) => ({ name: v.state.name, type: v.state.type, current: { value: v.state.value, text: v.state.text } })) : []),
  containsTemplate: (t: any) => /\$\w|\[\[|\$\{/.test(t ?? ''),
  updateTimeRange() {}, get timeRange() { return ctx() ? S.sceneGraph.getTimeRange(ctx()).state.value : undefined; },
};

// --- standard field options: the ids Grafana registers, with its own override processors
const std = (id: string, process: any, path = id) => ({ id, path, name: id, editor: () => null as any, override: () => null as any, process, settings: {}, shouldApply: () => true, category: ['Standard options'], defaultValue: undefined });
const ident = (v: any) => v;
data.standardEditorsRegistry.setInit(() => ['number', 'text', 'boolean', 'select', 'radio', 'multi-select', 'color', 'slider', 'unit', 'fieldColor', 'thresholds', 'mappings', 'links', 'stats-picker', 'strings', 'timezone', 'field-name', 'dashboard-uid', 'actions'].map((id) => ({ id, name: id, editor: () => null as any })) as any);
data.standardFieldConfigEditorRegistry.setInit(() => [
  std('unit', data.unitOverrideProcessor), std('min', data.numberOverrideProcessor), std('max', data.numberOverrideProcessor), std('decimals', data.numberOverrideProcessor),
  std('displayName', data.displayNameOverrideProcessor), std('color', ident), std('noValue', data.stringOverrideProcessor), std('links', data.dataLinksOverrideProcessor),
  { ...std('mappings', data.valueMappingsOverrideProcessor), defaultValue: [] }, { ...std('thresholds', data.thresholdsOverrideProcessor), defaultValue: { mode: 'absolute', steps: [{ value: -Infinity, color: 'green' }] } },
  std('filterable', data.booleanOverrideProcessor),
] as any);
data.standardTransformersRegistry.setInit(() => lodash.uniqBy(Object.values(data.standardTransformers) as any[], 'id').map((t: any) => ({ id: t.id, name: t.name, transformation: t, editor: () => null as any })) as any);

// Where the first row of a panel leads to.
const linksOf = (series: any[]) => series.slice(0, 20).flatMap((f: any) => f.length ? f.fields.flatMap((x: any) => (x.getLinks?.({ valueRowIndex: 0 }) ?? []).map((link: any) => link.href)) : []);
// --- panel plugins: Grafana's own visual components from @grafana/ui
const KEPT_ROWS = 200;
const note = (kind: string, p: any) => { report.panels[p.title || p.id] = { kind, links: linksOf(p.data.series), rows: p.data.series.map((f: any) => Object.fromEntries(f.fields.map((x: any) => [data.getFieldDisplayName(x, f, p.data.series), Array.from(x.values).slice(0, KEPT_ROWS)]))), fields: p.data.series.slice(0, 20).map((f: any) => f.fields.map((x: any) => [data.getFieldDisplayName(x, f, p.data.series), x.type, x.config.unit ?? ''].join('|'))), shown: p.data.series[0]?.fields.map((x: any) => x.values.length ? data.formattedValueToString(x.display?.(x.values[0]) ?? { text: String(x.values[0]) }) : null), series: p.data.series.length, state: p.data.state, error: p.data.error?.message ?? p.data.errors?.[0]?.message }; };
function graphable(frames: any[]) {
  const out = frames.map((f) => {
    const fields = f.fields.filter((x: any) => x.type === 'time' || x.type === 'number' || x.type === 'boolean');
    return { ...f, fields, length: f.length };
  }).filter((f) => f.fields.some((x: any) => x.type === 'time') && f.fields.some((x: any) => x.type === 'number'));
  return out.length ? out : null;
}
const legendDefault = { showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [] };
const TimeSeriesPanel = (p: any) => {
  note('timeseries', p);
  const frames = React.useMemo(() => graphable(p.data.series), [p.data.series]);
  if (!frames) { return <div className="empty">{p.fieldConfig?.defaults?.noValue ?? 'No data'}</div>; }
  return <ui.TimeSeries frames={frames} timeRange={p.timeRange} timeZone={p.timeZone} width={p.width} height={p.height} structureRev={p.data.structureRev} legend={p.options.legend ?? legendDefault} options={p.options} replaceVariables={p.replaceVariables}>
    {() => null as any}
  </ui.TimeSeries>;
};
const TablePanel = (p: any) => {
  data.cacheFieldDisplayNames(p.data.series);
  note('table', p);
  const frame = p.data.series[p.options.frameIndex ?? 0];
  if (!frame || !frame.length) { return <div className="empty">{p.fieldConfig?.defaults?.noValue ?? 'No data'}</div>; }
  return <TableNG data={frame} width={p.width} height={p.height} initialSortBy={p.options.sortBy} enableVirtualization={false} structureRev={p.data.structureRev} cellHeight={p.options.cellHeight ?? 'sm'} timeRange={p.timeRange} {...({} as any)} />;
};
const values = (p: any, theme: any) => data.getFieldDisplayValues({ fieldConfig: p.fieldConfig, reduceOptions: p.options.reduceOptions ?? { calcs: ['lastNotNull'], values: false }, replaceVariables: p.replaceVariables, theme, data: p.data.series, timeZone: p.timeZone, sparkline: true });
const StatPanel = (p: any) => {
  note('stat', p);
  const theme = ui.useTheme2();
  return <ui.VizRepeater source={p.data} getValues={() => values(p, theme)} width={p.width} height={p.height} orientation={p.options.orientation ?? 'auto'} renderCounter={p.renderCounter} autoGrid
    renderValue={(v: any) => <ui.BigValue value={v.value.display} count={v.count} sparkline={p.options.graphMode === 'none' ? undefined : v.value.sparkline} colorMode={p.options.colorMode ?? 'value'} graphMode={p.options.graphMode ?? 'area'} justifyMode={p.options.justifyMode ?? 'auto'} textMode={p.options.textMode ?? 'auto'} text={p.options.text} width={v.width} height={v.height} theme={theme} />} />;
};
const BarGaugePanel = (p: any) => {
  note('bargauge', p);
  const theme = ui.useTheme2();
  return <ui.VizRepeater source={p.data} getValues={() => values(p, theme)} width={p.width} height={p.height} orientation={p.options.orientation ?? 'horizontal'} renderCounter={p.renderCounter} getAlignmentFactors={data.getDisplayValueAlignmentFactors}
    renderValue={(v: any) => <ui.BarGauge alignmentFactors={v.alignmentFactors} value={v.value.display} width={v.width} height={v.height} orientation={v.orientation} field={v.value.field} display={v.value.view?.getFieldDisplayProcessor(v.value.colIndex)} theme={theme} text={p.options.text} displayMode={p.options.displayMode ?? 'gradient'} />} />;
};
const TextPanel = (p: any) => { note('text', p); return <div dangerouslySetInnerHTML={{ __html: data.renderMarkdown(p.replaceVariables(p.options.content ?? '')) }} />; };
const standIn = (kind: string) => (p: any) => {
  note(kind + ' (stand-in)', p);
  const frame = p.data.series[0];
  return <div style={{ height: p.height, overflow: 'hidden' }}><div className="standin">"{kind}" has no public component: its frame as a table</div>
    {frame?.length ? <ui.Table data={frame} width={p.width} height={p.height - 22} /> : <div className="empty">{p.fieldConfig?.defaults?.noValue ?? 'No data'}</div>}</div>;
};
function register(id: string, component: any, custom: any = {}, color?: string) {
  const plugin = new data.PanelPlugin(component).useFieldConfig({
    standardOptions: color ? { color: { settings: { byValueSupport: true, bySeriesSupport: true }, defaultValue: { mode: color } } } : {},
    useCustomConfig: (b: any) => { for (const [k, v] of Object.entries(custom)) { b.addCustomEditor({ id: k, path: k, name: k, editor: () => null, override: () => null, process: ident, defaultValue: v, shouldApply: () => true, settings: {} }); } },
  } as any);
  S.sceneUtils.registerRuntimePanelPlugin({ pluginId: id, plugin: plugin as any });
}
const graph = { drawStyle: 'line', lineInterpolation: 'linear', barAlignment: 0, lineWidth: 1, fillOpacity: 0, gradientMode: 'none', lineStyle: undefined, spanNulls: false, showPoints: 'auto', showValues: false, pointSize: 5, stacking: { group: 'A', mode: 'none' }, axisPlacement: 'auto', axisLabel: '', axisWidth: undefined, axisSoftMin: undefined, axisSoftMax: undefined, axisGridShow: undefined, axisCenteredZero: false, axisColorMode: 'text', axisBorderShow: false, scaleDistribution: { type: 'linear' }, hideFrom: { tooltip: false, viz: false, legend: false }, thresholdsStyle: { mode: 'off' }, insertNulls: false, barWidthFactor: 0.6, transform: undefined, fillBelowTo: undefined };

// --- dashboard JSON to scene
function variable(v: any, sources: any): any {
  const base = { name: v.name, label: v.label, hide: v.hide, skipUrlSync: true };
  const cur = { value: v.current?.value ?? '', text: v.current?.text ?? '' };
  if (v.type === 'datasource') { return new S.DataSourceVariable({ ...base, pluginId: v.query, regex: v.regex, ...cur }); }
  if (v.type === 'query') { return new S.QueryVariable({ ...base, ...cur, query: v.query, datasource: v.datasource, sort: v.sort, refresh: v.refresh, regex: v.regex, allValue: v.allValue, includeAll: v.includeAll, isMulti: v.multi, defaultToAll: !!v.includeAll }); }
  if (v.type === 'custom') { return new S.CustomVariable({ ...base, ...cur, query: v.query, isMulti: v.multi, includeAll: v.includeAll, allValue: v.allValue, defaultToAll: !!v.includeAll && !cur.value }); }
  if (v.type === 'interval') { return new S.IntervalVariable({ ...base, value: v.current?.value, intervals: v.query.split(','), refresh: v.refresh, autoEnabled: v.auto, autoStepCount: v.auto_count, autoMinInterval: v.auto_min }); }
  if (v.type === 'constant') { return new S.ConstantVariable({ ...base, value: v.query }); }
  if (v.type === 'textbox') { return new S.TextBoxVariable({ ...base, value: v.current?.value ?? v.query ?? '' }); }
  if (v.type === 'adhoc') { return new S.AdHocFiltersVariable({ ...base, datasource: v.datasource, filters: v.filters ?? [], applyMode: 'auto' } as any); }
  throw new Error('variable type ' + v.type);
}
const known = ['timeseries', 'table', 'stat', 'bargauge', 'text'];
function item(p: any, defaultDs: any) {
  const id = p.type;
  if (!known.includes(id) && !(register as any)[id]) { (register as any)[id] = 1; register(id, standIn(id)); }
  let $data: any;
  if (p.targets?.length) {
    $data = new S.SceneQueryRunner({ datasource: p.datasource ?? defaultDs, queries: p.targets, maxDataPoints: p.maxDataPoints, minInterval: p.interval });
    $data = new S.SceneDataTransformer({ $data, transformations: p.transformations ?? [] });
  }
  return new S.SceneGridItem({ x: p.gridPos.x, y: p.gridPos.y, width: p.gridPos.w, height: p.gridPos.h, key: 'panel-' + p.id,
    body: new S.VizPanel({ key: 'viz-' + p.id, title: p.title, description: p.description, pluginId: id, options: p.options ?? {}, fieldConfig: p.fieldConfig ?? { defaults: {}, overrides: [] }, $data, pluginVersion: p.pluginVersion }) });
}
async function start() {
  const [dash, dsList] = await Promise.all([fetch('/dashboards/' + params.get('dashboard') + '.json').then((r) => r.json()), fetch('/sources.json').then((r) => r.json())]);
  const theme = data.createTheme({ colors: { mode: (params.get('theme') as any) ?? 'dark' } });
  // Grafana's own page has the theme here: colours of thresholds are taken from it.
  runtime.config.theme2 = theme;
  runtime.setBackendSrv(backendSrv);
  runtime.setTemplateSrv(templateSrv);
  (runtime as any).setAppEvents(new data.EventBusSrv());
  const settings = dsList.map((d: any, i: number) => ({ ...d, id: i + 1, meta: { id: d.type, name: d.name, type: 'datasource', info: { logos: { small: '', large: '' } }, module: '', baseUrl: '' }, access: 'proxy', readOnly: true, jsonData: {}, isDefault: !!d.isDefault }));
  const instances: any = {};
  for (const s of settings) { const one: any = new SqlSource(s); one.meta = s.meta; instances[s.uid] = one; }
  const pick = (ref: any, scoped?: any) => {
    let uid = typeof ref === 'string' ? ref : ref?.uid;
    uid = uid ? templateSrv.replace(uid, scoped) : undefined;
    return settings.find((s: any) => s.uid === uid || s.name === uid) ?? (uid ? undefined : settings.find((s: any) => s.isDefault)) ?? (!uid || uid === 'default' ? settings[0] : undefined);
  };
  runtime.setDataSourceSrv({
    get: async (ref: any, sv: any) => { const s = pick(ref, sv); if (!s) { throw new Error('Datasource ' + JSON.stringify(ref) + ' was not found'); } return instances[s.uid]; },
    getInstanceSettings: pick, getList: (f: any = {}) => settings.filter((s: any) => !f.pluginId || s.type === f.pluginId), reload() {}, registerRuntimeDataSource() {},
  } as any);
  runtime.setRunRequest(((ds: any, req: any, fn?: any) => {
    const out = fn ? fn(req) : ds.query(req);
    const base = { timeRange: req.range, request: req };
    return (rxjs.isObservable(out) ? out : rxFrom(out)).pipe(
      rxjs.map((r: any) => ({ ...base, state: r.error || r.errors?.length ? 'Error' : (r.state ?? 'Done'), error: r.error ?? r.errors?.[0], errors: r.errors, series: (r.data ?? []).map((f: any) => data.toDataFrame(f)) })),
      rxjs.catchError((e: any) => of({ ...base, state: 'Error', series: [], error: runtime.toDataQueryError(e), errors: [runtime.toDataQueryError(e)] })));
  }) as any);
  (runtime as any).setPluginImportUtils?.({ importPanelPlugin: async () => undefined, getPanelPluginFromCache: () => undefined });
  (runtime as any).setCurrentUser?.({});
  register('timeseries', TimeSeriesPanel, graph, 'palette-classic');
  register('table', TablePanel, { align: 'auto', displayMode: undefined, cellOptions: { type: 'auto' }, width: undefined, minWidth: 50, filterable: undefined, hidden: undefined, inspect: false, wrapHeaderText: undefined, footer: undefined });
  register('stat', StatPanel, {}, 'thresholds'); register('bargauge', BarGaugePanel, {}, 'thresholds'); register('text', TextPanel);
  const defaultDs = { uid: settings[0].uid, type: settings[0].type };
  const children: any[] = [];
  for (const p of dash.panels) {
    if (p.type === 'row') { children.push(new S.SceneGridRow({ key: 'row-' + p.id, title: p.title, x: 0, y: p.gridPos.y, isCollapsed: false, children: (p.panels ?? []).map((c: any) => item(c, defaultDs)) })); }
    else {
      const last = children[children.length - 1];
      if (last instanceof S.SceneGridRow) { last.setState({ children: [...last.state.children, item(p, defaultDs)] as any }); } else { children.push(item(p, defaultDs)); }
    }
  }
  const scene = new S.EmbeddedScene({
    $timeRange: new S.SceneTimeRange({ from: params.get('from') ?? dash.time?.from ?? 'now-1h', to: params.get('to') ?? dash.time?.to ?? 'now', timeZone: 'utc' }),
    $variables: new S.SceneVariableSet({ variables: (dash.templating?.list ?? []).map((v: any) => variable(v, settings)) }),
    controls: [new S.VariableValueSelectors({}), new S.SceneControlsSpacer(), new S.SceneTimePicker({}), new S.SceneRefreshPicker({})],
    body: new S.SceneGridLayout({ isDraggable: false, isResizable: false, children }),
  });
  for (const [k, v] of params) {
    if (k.startsWith('var-')) { const vv: any = scene.state.$variables!.getByName(k.slice(4)); vv?.changeValueTo ? vv.changeValueTo(v) : vv?.setValue?.(v); }
  }
  (window as any).__scene = scene;
  document.body.style.background = theme.colors.background.canvas;
  const App = () => <ui.ThemeContext.Provider value={theme}><ui.GlobalStyles /><ui.PortalContainer /><MemoryRouter><div style={{ padding: 16, color: theme.colors.text.primary }}><h3>{dash.title}</h3><div style={{ height: Number(params.get('h') ?? 1100), display: 'flex', flexDirection: 'column' }}><scene.Component model={scene} /></div></div></MemoryRouter></ui.ThemeContext.Provider>;
  createRoot(document.getElementById('root')!).render(<App />);
  report.ready = true;
}
start().catch((e) => { report.errors.push(String(e?.stack ?? e)); document.body.append(String(e?.stack ?? e)); });
