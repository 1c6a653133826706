// Generated from crds/ by `npm run generate`. Do not edit.
/** JSON Schema of the spec of each kind that people write. */
export const SPEC_SCHEMAS = {
 "VideoFlow": {
  "type": "object",
  "required": [
   "nodes"
  ],
  "properties": {
   "flowType": {
    "type": "string",
    "enum": [
     "Batch",
     "Realtime"
    ],
    "default": "Batch"
   },
   "desiredState": {
    "type": "string",
    "enum": [
     "Running",
     "Paused",
     "Stopped"
    ],
    "default": "Running"
   },
   "run": {
    "type": "integer",
    "minimum": 1,
    "maximum": 2147483647,
    "default": 1
   },
   "admission": {
    "type": "object",
    "properties": {
     "policy": {
      "type": "string",
      "enum": [
       "Fail",
       "Wait"
      ]
     },
     "timeoutSeconds": {
      "type": "integer",
      "minimum": 1,
      "maximum": 31536000
     }
    },
    "additionalProperties": false
   },
   "hostSelector": {
    "type": "object",
    "maxProperties": 16,
    "additionalProperties": {
     "type": "string",
     "maxLength": 63
    }
   },
   "onAgentLoss": {
    "type": "string",
    "enum": [
     "Keep",
     "Terminate"
    ]
   },
   "onHostLoss": {
    "type": "string",
    "enum": [
     "Wait",
     "Move"
    ]
   },
   "fenceSeconds": {
    "type": "integer",
    "minimum": 5,
    "maximum": 86400
   },
   "nodes": {
    "type": "array",
    "minItems": 1,
    "maxItems": 256,
    "items": {
     "type": "object",
     "required": [
      "name",
      "role",
      "component"
     ],
     "properties": {
      "name": {
       "type": "string",
       "minLength": 1,
       "maxLength": 63,
       "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
      },
      "role": {
       "type": "string",
       "enum": [
        "Producer",
        "Processor",
        "Consumer"
       ]
      },
      "component": {
       "type": "string",
       "minLength": 1,
       "maxLength": 512
      },
      "params": {
       "type": "object",
       "default": {},
       "additionalProperties": true
      },
      "inputs": {
       "type": "array",
       "maxItems": 32,
       "default": [],
       "items": {
        "type": "string",
        "minLength": 1,
        "maxLength": 63
       }
      },
      "nbTasks": {
       "type": "integer",
       "minimum": 1,
       "maximum": 256,
       "default": 1
      },
      "oneTask": {
       "type": "boolean",
       "default": false
      },
      "holds": {
       "type": "integer",
       "minimum": 0,
       "maximum": 4096
      },
      "supportedDevices": {
       "type": "array",
       "maxItems": 2,
       "items": {
        "type": "string",
        "enum": [
         "CPU",
         "GPU"
        ]
       }
      },
      "deviceType": {
       "type": "string",
       "enum": [
        "CPU",
        "GPU"
       ],
       "default": "CPU"
      },
      "device": {
       "type": "object",
       "properties": {
        "required": {
         "type": "boolean",
         "default": false
        },
        "count": {
         "type": "integer",
         "minimum": 1,
         "maximum": 64,
         "default": 1
        },
        "memory": {
         "type": "string",
         "pattern": "^[0-9]+(\\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$",
         "maxLength": 32
        },
        "sharing": {
         "type": "string",
         "enum": [
          "Exclusive",
          "Shared"
         ],
         "default": "Exclusive"
        },
        "identifiers": {
         "type": "string",
         "enum": [
          "Uuid",
          "Index"
         ]
        },
        "product": {
         "type": "string",
         "maxLength": 128
        }
       },
       "additionalProperties": false
      },
      "resources": {
       "type": "object",
       "properties": {
        "cpu": {
         "type": "string",
         "pattern": "^([0-9]+(\\.[0-9]+)?|[0-9]+m)$",
         "maxLength": 32
        },
        "memory": {
         "type": "string",
         "pattern": "^[0-9]+(\\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$",
         "maxLength": 32
        }
       },
       "additionalProperties": false
      },
      "join": {
       "type": "object",
       "properties": {
        "mode": {
         "type": "string",
         "enum": [
          "Trace",
          "Time"
         ],
         "default": "Trace"
        },
        "toleranceMs": {
         "type": "number",
         "minimum": 0,
         "maximum": 86400000
        },
        "timeoutMs": {
         "type": "number",
         "minimum": 1,
         "maximum": 86400000
        },
        "quorum": {
         "type": "integer",
         "minimum": 1,
         "maximum": 32
        },
        "collect": {
         "type": "array",
         "maxItems": 32,
         "items": {
          "type": "string",
          "minLength": 1,
          "maxLength": 63
         }
        },
        "missing": {
         "type": "string",
         "enum": [
          "drop",
          "wait",
          "error"
         ]
        }
       },
       "additionalProperties": false
      },
      "partitionBy": {
       "type": "string",
       "minLength": 1,
       "maxLength": 128
      },
      "taskGroup": {
       "type": "string",
       "minLength": 1,
       "maxLength": 63,
       "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
      },
      "restart": {
       "type": "object",
       "properties": {
        "policy": {
         "type": "string",
         "enum": [
          "OnFailure",
          "Never"
         ],
         "default": "OnFailure"
        },
        "initialBackoffSeconds": {
         "type": "number",
         "minimum": 0,
         "maximum": 3600,
         "default": 1
        },
        "maxBackoffSeconds": {
         "type": "number",
         "minimum": 0,
         "maximum": 86400,
         "default": 60
        },
        "maxRestarts": {
         "type": "integer",
         "minimum": 0,
         "maximum": 1000000,
         "default": 5
        },
        "windowSeconds": {
         "type": "integer",
         "minimum": 1,
         "maximum": 31536000,
         "default": 600
        }
       },
       "additionalProperties": false
      },
      "retries": {
       "type": "integer",
       "minimum": 0,
       "maximum": 1000,
       "default": 3
      },
      "env": {
       "type": "array",
       "maxItems": 256,
       "default": [],
       "items": {
        "type": "object",
        "required": [
         "name"
        ],
        "properties": {
         "name": {
          "type": "string",
          "minLength": 1,
          "maxLength": 256,
          "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"
         },
         "value": {
          "type": "string",
          "maxLength": 32768
         },
         "valueFrom": {
          "type": "object",
          "properties": {
           "file": {
            "type": "string",
            "minLength": 1,
            "maxLength": 4096
           },
           "secretKeyRef": {
            "type": "object",
            "required": [
             "name",
             "key"
            ],
            "properties": {
             "name": {
              "type": "string",
              "minLength": 1,
              "maxLength": 253
             },
             "key": {
              "type": "string",
              "minLength": 1,
              "maxLength": 253
             }
            },
            "additionalProperties": false
           }
          },
          "additionalProperties": false
         }
        },
        "additionalProperties": false
       }
      },
      "workingDir": {
       "type": "string",
       "maxLength": 4096
      },
      "startupDeadlineSeconds": {
       "type": "integer",
       "minimum": 1,
       "maximum": 86400,
       "default": 60
      },
      "progressDeadlineSeconds": {
       "type": "integer",
       "minimum": 1,
       "maximum": 86400
      },
      "terminationGracePeriodSeconds": {
       "type": "integer",
       "minimum": 0,
       "maximum": 86400,
       "default": 10
      },
      "buffer": {
       "type": "object",
       "properties": {
        "messages": {
         "type": "integer",
         "minimum": 1,
         "maximum": 4096
        },
        "bytes": {
         "type": "integer",
         "minimum": 1,
         "maximum": 1099511627776
        }
       },
       "additionalProperties": false
      }
     },
     "additionalProperties": false
    }
   }
  },
  "additionalProperties": false
 },
 "Host": {
  "type": "object",
  "properties": {
   "schedulable": {
    "enum": [
     true,
     false,
     "Draining"
    ],
    "default": true
   }
  },
  "additionalProperties": false
 }
} as const;
