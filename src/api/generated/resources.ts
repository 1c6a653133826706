// Generated from crds/ by `npm run generate`. Do not edit.
/** Names and printer columns of each kind. */
export const CUSTOM_RESOURCES = [
 {
  "kind": "DeviceClaim",
  "group": "videoflow.io",
  "plural": "deviceclaims",
  "singular": "deviceclaim",
  "shortNames": [
   "vdc"
  ],
  "categories": [
   "videoflow-all"
  ],
  "namespaced": true,
  "columns": [
   {
    "name": "Flow",
    "type": "string",
    "jsonPath": ".spec.flow",
    "priority": 0
   },
   {
    "name": "Node",
    "type": "string",
    "jsonPath": ".spec.node",
    "priority": 0
   },
   {
    "name": "Host",
    "type": "string",
    "jsonPath": ".status.allocation.host",
    "priority": 0
   },
   {
    "name": "Reason",
    "type": "string",
    "jsonPath": ".status.reason",
    "priority": 0
   },
   {
    "name": "Age",
    "type": "date",
    "jsonPath": ".metadata.creationTimestamp",
    "priority": 0
   },
   {
    "name": "Devices",
    "type": "string",
    "jsonPath": ".status.allocation.devices",
    "priority": 1
   },
   {
    "name": "Message",
    "type": "string",
    "jsonPath": ".status.message",
    "priority": 1
   }
  ]
 },
 {
  "kind": "FlowTask",
  "group": "videoflow.io",
  "plural": "flowtasks",
  "singular": "flowtask",
  "shortNames": [
   "ft"
  ],
  "categories": [
   "videoflow-all"
  ],
  "namespaced": true,
  "columns": [
   {
    "name": "Node",
    "type": "string",
    "jsonPath": ".spec.node",
    "priority": 0
   },
   {
    "name": "Host",
    "type": "string",
    "jsonPath": ".spec.host",
    "priority": 0
   },
   {
    "name": "Device",
    "type": "string",
    "jsonPath": ".spec.deviceType",
    "priority": 0
   },
   {
    "name": "Phase",
    "type": "string",
    "jsonPath": ".status.phase",
    "priority": 0
   },
   {
    "name": "Restarts",
    "type": "integer",
    "jsonPath": ".status.restarts",
    "priority": 0
   },
   {
    "name": "Age",
    "type": "date",
    "jsonPath": ".metadata.creationTimestamp",
    "priority": 0
   },
   {
    "name": "Reason",
    "type": "string",
    "jsonPath": ".status.reason",
    "priority": 1
   },
   {
    "name": "Message",
    "type": "string",
    "jsonPath": ".status.message",
    "priority": 1
   }
  ]
 },
 {
  "kind": "Host",
  "group": "videoflow.io",
  "plural": "hosts",
  "singular": "host",
  "shortNames": [
   "vhost"
  ],
  "categories": [
   "videoflow-all"
  ],
  "namespaced": false,
  "columns": [
   {
    "name": "Schedulable",
    "type": "string",
    "jsonPath": ".spec.schedulable",
    "priority": 0
   },
   {
    "name": "Reachable",
    "type": "string",
    "jsonPath": ".status.conditions[?(@.type==\"Reachable\")].status",
    "priority": 0
   },
   {
    "name": "Cores",
    "type": "integer",
    "jsonPath": ".status.cores",
    "priority": 0
   },
   {
    "name": "Containment",
    "type": "string",
    "jsonPath": ".status.containment",
    "priority": 0
   },
   {
    "name": "Age",
    "type": "date",
    "jsonPath": ".metadata.creationTimestamp",
    "priority": 0
   }
  ]
 },
 {
  "kind": "HostQuery",
  "group": "videoflow.io",
  "plural": "hostqueries",
  "singular": "hostquery",
  "shortNames": [
   "vhq"
  ],
  "categories": [
   "videoflow-all"
  ],
  "namespaced": true,
  "columns": [
   {
    "name": "Host",
    "type": "string",
    "jsonPath": ".spec.host",
    "priority": 0
   },
   {
    "name": "Service",
    "type": "string",
    "jsonPath": ".spec.service",
    "priority": 0
   },
   {
    "name": "Flow",
    "type": "string",
    "jsonPath": ".spec.flow",
    "priority": 0
   },
   {
    "name": "Page",
    "type": "integer",
    "jsonPath": ".status.page",
    "priority": 0
   },
   {
    "name": "Age",
    "type": "date",
    "jsonPath": ".metadata.creationTimestamp",
    "priority": 0
   }
  ]
 },
 {
  "kind": "VideoFlow",
  "group": "videoflow.io",
  "plural": "videoflows",
  "singular": "videoflow",
  "shortNames": [
   "vf"
  ],
  "categories": [
   "all",
   "videoflow-all"
  ],
  "namespaced": true,
  "columns": [
   {
    "name": "Type",
    "type": "string",
    "jsonPath": ".spec.flowType",
    "priority": 0
   },
   {
    "name": "Ready",
    "type": "string",
    "jsonPath": ".status.ready",
    "priority": 0
   },
   {
    "name": "State",
    "type": "string",
    "jsonPath": ".status.state",
    "priority": 0
   },
   {
    "name": "Reason",
    "type": "string",
    "jsonPath": ".status.reason",
    "priority": 0
   },
   {
    "name": "Age",
    "type": "date",
    "jsonPath": ".metadata.creationTimestamp",
    "priority": 0
   },
   {
    "name": "Devices",
    "type": "string",
    "jsonPath": ".status.devices",
    "priority": 1
   },
   {
    "name": "Message",
    "type": "string",
    "jsonPath": ".status.message",
    "priority": 1
   }
  ]
 }
] as const;
