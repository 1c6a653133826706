// Generated from crds/ by `npm run generate`. Do not edit.
"use strict";
export const validateDeviceClaimSpec = validate10;
const schema11 = {"type":"object","description":"What the task asks for.","required":["flow","run","node","index","required","count","sharing"],"properties":{"flow":{"type":"string","description":"Name of the flow."},"run":{"type":"string","description":"Identity of the run."},"node":{"type":"string","description":"Name of the node."},"index":{"type":"integer","minimum":0,"description":"Number of the task in its node."},"required":{"type":"boolean","description":"Without a device the flow is refused."},"count":{"type":"integer","minimum":1,"description":"Devices of the task."},"memoryMiB":{"type":"integer","minimum":1,"description":"Memory that each device must have or give."},"product":{"type":"string","description":"Text that the product name must contain."},"sharing":{"type":"string","enum":["Exclusive","Shared"],"description":"Whether the device is shared by memory."}},"additionalProperties":false,"$id":"DeviceClaim"};
const func2 = Object.prototype.hasOwnProperty;

function validate10(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
/*# sourceURL="DeviceClaim" */;
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.flow === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "flow"},message:"must have required property '"+"flow"+"'",schema:schema11.required,parentSchema:schema11,data};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
if(data.run === undefined){
const err1 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "run"},message:"must have required property '"+"run"+"'",schema:schema11.required,parentSchema:schema11,data};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
}
if(data.node === undefined){
const err2 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "node"},message:"must have required property '"+"node"+"'",schema:schema11.required,parentSchema:schema11,data};
if(vErrors === null){
vErrors = [err2];
}
else {
vErrors.push(err2);
}
errors++;
}
if(data.index === undefined){
const err3 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "index"},message:"must have required property '"+"index"+"'",schema:schema11.required,parentSchema:schema11,data};
if(vErrors === null){
vErrors = [err3];
}
else {
vErrors.push(err3);
}
errors++;
}
if(data.required === undefined){
const err4 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "required"},message:"must have required property '"+"required"+"'",schema:schema11.required,parentSchema:schema11,data};
if(vErrors === null){
vErrors = [err4];
}
else {
vErrors.push(err4);
}
errors++;
}
if(data.count === undefined){
const err5 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "count"},message:"must have required property '"+"count"+"'",schema:schema11.required,parentSchema:schema11,data};
if(vErrors === null){
vErrors = [err5];
}
else {
vErrors.push(err5);
}
errors++;
}
if(data.sharing === undefined){
const err6 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "sharing"},message:"must have required property '"+"sharing"+"'",schema:schema11.required,parentSchema:schema11,data};
if(vErrors === null){
vErrors = [err6];
}
else {
vErrors.push(err6);
}
errors++;
}
for(const key0 in data){
if(!(func2.call(schema11.properties, key0))){
const err7 = {instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0},message:"must NOT have additional properties",schema:false,parentSchema:schema11,data};
if(vErrors === null){
vErrors = [err7];
}
else {
vErrors.push(err7);
}
errors++;
}
}
if(data.flow !== undefined){
let data0 = data.flow;
if(typeof data0 !== "string"){
const err8 = {instancePath:instancePath+"/flow",schemaPath:"#/properties/flow/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema11.properties.flow.type,parentSchema:schema11.properties.flow,data:data0};
if(vErrors === null){
vErrors = [err8];
}
else {
vErrors.push(err8);
}
errors++;
}
}
if(data.run !== undefined){
let data1 = data.run;
if(typeof data1 !== "string"){
const err9 = {instancePath:instancePath+"/run",schemaPath:"#/properties/run/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema11.properties.run.type,parentSchema:schema11.properties.run,data:data1};
if(vErrors === null){
vErrors = [err9];
}
else {
vErrors.push(err9);
}
errors++;
}
}
if(data.node !== undefined){
let data2 = data.node;
if(typeof data2 !== "string"){
const err10 = {instancePath:instancePath+"/node",schemaPath:"#/properties/node/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema11.properties.node.type,parentSchema:schema11.properties.node,data:data2};
if(vErrors === null){
vErrors = [err10];
}
else {
vErrors.push(err10);
}
errors++;
}
}
if(data.index !== undefined){
let data3 = data.index;
if(!((typeof data3 == "number") && (!(data3 % 1) && !isNaN(data3)))){
const err11 = {instancePath:instancePath+"/index",schemaPath:"#/properties/index/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema11.properties.index.type,parentSchema:schema11.properties.index,data:data3};
if(vErrors === null){
vErrors = [err11];
}
else {
vErrors.push(err11);
}
errors++;
}
if(typeof data3 == "number"){
if(data3 < 0 || isNaN(data3)){
const err12 = {instancePath:instancePath+"/index",schemaPath:"#/properties/index/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},message:"must be >= 0",schema:0,parentSchema:schema11.properties.index,data:data3};
if(vErrors === null){
vErrors = [err12];
}
else {
vErrors.push(err12);
}
errors++;
}
}
}
if(data.required !== undefined){
let data4 = data.required;
if(typeof data4 !== "boolean"){
const err13 = {instancePath:instancePath+"/required",schemaPath:"#/properties/required/type",keyword:"type",params:{type: "boolean"},message:"must be boolean",schema:schema11.properties.required.type,parentSchema:schema11.properties.required,data:data4};
if(vErrors === null){
vErrors = [err13];
}
else {
vErrors.push(err13);
}
errors++;
}
}
if(data.count !== undefined){
let data5 = data.count;
if(!((typeof data5 == "number") && (!(data5 % 1) && !isNaN(data5)))){
const err14 = {instancePath:instancePath+"/count",schemaPath:"#/properties/count/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema11.properties.count.type,parentSchema:schema11.properties.count,data:data5};
if(vErrors === null){
vErrors = [err14];
}
else {
vErrors.push(err14);
}
errors++;
}
if(typeof data5 == "number"){
if(data5 < 1 || isNaN(data5)){
const err15 = {instancePath:instancePath+"/count",schemaPath:"#/properties/count/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},message:"must be >= 1",schema:1,parentSchema:schema11.properties.count,data:data5};
if(vErrors === null){
vErrors = [err15];
}
else {
vErrors.push(err15);
}
errors++;
}
}
}
if(data.memoryMiB !== undefined){
let data6 = data.memoryMiB;
if(!((typeof data6 == "number") && (!(data6 % 1) && !isNaN(data6)))){
const err16 = {instancePath:instancePath+"/memoryMiB",schemaPath:"#/properties/memoryMiB/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema11.properties.memoryMiB.type,parentSchema:schema11.properties.memoryMiB,data:data6};
if(vErrors === null){
vErrors = [err16];
}
else {
vErrors.push(err16);
}
errors++;
}
if(typeof data6 == "number"){
if(data6 < 1 || isNaN(data6)){
const err17 = {instancePath:instancePath+"/memoryMiB",schemaPath:"#/properties/memoryMiB/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},message:"must be >= 1",schema:1,parentSchema:schema11.properties.memoryMiB,data:data6};
if(vErrors === null){
vErrors = [err17];
}
else {
vErrors.push(err17);
}
errors++;
}
}
}
if(data.product !== undefined){
let data7 = data.product;
if(typeof data7 !== "string"){
const err18 = {instancePath:instancePath+"/product",schemaPath:"#/properties/product/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema11.properties.product.type,parentSchema:schema11.properties.product,data:data7};
if(vErrors === null){
vErrors = [err18];
}
else {
vErrors.push(err18);
}
errors++;
}
}
if(data.sharing !== undefined){
let data8 = data.sharing;
if(typeof data8 !== "string"){
const err19 = {instancePath:instancePath+"/sharing",schemaPath:"#/properties/sharing/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema11.properties.sharing.type,parentSchema:schema11.properties.sharing,data:data8};
if(vErrors === null){
vErrors = [err19];
}
else {
vErrors.push(err19);
}
errors++;
}
if(!((data8 === "Exclusive") || (data8 === "Shared"))){
const err20 = {instancePath:instancePath+"/sharing",schemaPath:"#/properties/sharing/enum",keyword:"enum",params:{allowedValues: schema11.properties.sharing.enum},message:"must be equal to one of the allowed values",schema:schema11.properties.sharing.enum,parentSchema:schema11.properties.sharing,data:data8};
if(vErrors === null){
vErrors = [err20];
}
else {
vErrors.push(err20);
}
errors++;
}
}
}
else {
const err21 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"},message:"must be object",schema:schema11.type,parentSchema:schema11,data};
if(vErrors === null){
vErrors = [err21];
}
else {
vErrors.push(err21);
}
errors++;
}
validate10.errors = vErrors;
return errors === 0;
}

export const validateFlowTaskSpec = validate11;
const schema12 = {"type":"object","description":"What the agent must run.","required":["flow","flowType","run","flowTasks","node","index","nbTasks","host","desiredState","deviceType","members","channels","env","restart","retries","startupDeadlineSeconds","terminationGracePeriodSeconds","templateHash"],"properties":{"flow":{"type":"string","description":"Name of the flow."},"flowType":{"type":"string","enum":["Batch","Realtime"],"description":"Type of the flow."},"run":{"type":"string","description":"Identity of the run, <flow uid>-<run number>; names the shared memory."},"flowTasks":{"type":"integer","minimum":1,"description":"Number of tasks of the flow; the agent starts none before it sees all."},"node":{"type":"string","description":"Name of the node or of the task group."},"index":{"type":"integer","minimum":0,"description":"Number of the task in its node."},"nbTasks":{"type":"integer","minimum":1,"description":"Number of tasks of the node."},"host":{"type":"string","description":"Name of the Host that runs the task."},"desiredState":{"type":"string","enum":["Running","Stopped"],"description":"Stopped asks the task to drain and end."},"deviceType":{"type":"string","enum":["CPU","GPU"],"description":"What was granted."},"claim":{"type":"string","description":"Name of the DeviceClaim that holds the task's GPUs; absent on the CPU."},"members":{"type":"array","minItems":1,"description":"The nodes that run in this process, in topological order; more than one in a task group.","items":{"type":"object","required":["name","role","component","params","inputs"],"properties":{"name":{"type":"string","description":"Name of the node."},"role":{"type":"string","enum":["Producer","Processor","Consumer"],"description":"Role of the node."},"component":{"type":"string","description":"Built-in name or <absolute path>#Export."},"params":{"type":"object","description":"What the constructor gets.","additionalProperties":true},"inputs":{"type":"array","items":{"type":"string"},"description":"Names of the parents, members of the group or other nodes."}},"additionalProperties":false}},"channels":{"type":"object","description":"The node's part of the data plane.","required":["slots","slotBytes","inputs"],"properties":{"slots":{"type":"integer","minimum":0,"description":"Output slots of each task of the node."},"slotBytes":{"type":"integer","minimum":0,"description":"Nominal bytes of a slot."},"partitionBy":{"type":"string","description":"Key that assigns messages to tasks."},"join":{"type":"string","enum":["Trace"],"description":"How several inputs are joined."},"inputs":{"type":"array","description":"The channels that the node reads, in the order of its inputs.","items":{"type":"object","required":["from","cells","keep","releases"],"properties":{"from":{"type":"string","description":"Node that writes the channel."},"cells":{"type":"integer","minimum":1,"description":"Places of the channel, a power of two."},"keep":{"type":"integer","minimum":1,"description":"Realtime: messages kept before the oldest is dropped."},"releases":{"type":"array","description":"Realtime: channels on which a message dropped here is released.","items":{"type":"object","required":["from","to"],"properties":{"from":{"type":"string","description":"Writer of the channel."},"to":{"type":"string","description":"Reader of the channel."}},"additionalProperties":false}}},"additionalProperties":false}}},"additionalProperties":false},"graphHash":{"type":"string","description":"Hash of the graph that the flow's module must build again."},"root":{"type":"string","description":"Folder against which relative paths were resolved."},"workingDir":{"type":"string","description":"Working directory of the process."},"env":{"type":"array","description":"Environment variables.","items":{"type":"object","required":["name","value"],"properties":{"name":{"type":"string","description":"Name of the variable."},"value":{"type":"string","description":"Value of the variable."}},"additionalProperties":false}},"restart":{"type":"object","description":"Restart policy of the task.","required":["policy","initialBackoffSeconds","maxBackoffSeconds","maxRestarts","windowSeconds"],"properties":{"policy":{"type":"string","enum":["OnFailure","Never"],"description":"Whether a dead task is started again."},"initialBackoffSeconds":{"type":"number","description":"Wait before the second restart in a row."},"maxBackoffSeconds":{"type":"number","description":"The longest wait."},"maxRestarts":{"type":"integer","description":"Restarts within the window."},"windowSeconds":{"type":"integer","description":"The window."}},"additionalProperties":false},"retries":{"type":"integer","minimum":0,"description":"Further attempts at an input."},"startupDeadlineSeconds":{"type":"integer","minimum":1,"description":"Seconds until the task must be ready."},"progressDeadlineSeconds":{"type":"integer","minimum":1,"description":"Seconds without progress before the task is replaced."},"terminationGracePeriodSeconds":{"type":"integer","minimum":0,"description":"Seconds between SIGTERM and SIGKILL."},"templateHash":{"type":"string","description":"Hash of everything that needs a restart when it changes."}},"additionalProperties":false,"$id":"FlowTask"};

function validate11(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
/*# sourceURL="FlowTask" */;
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.flow === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "flow"},message:"must have required property '"+"flow"+"'",schema:schema12.required,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
if(data.flowType === undefined){
const err1 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "flowType"},message:"must have required property '"+"flowType"+"'",schema:schema12.required,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
}
if(data.run === undefined){
const err2 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "run"},message:"must have required property '"+"run"+"'",schema:schema12.required,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err2];
}
else {
vErrors.push(err2);
}
errors++;
}
if(data.flowTasks === undefined){
const err3 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "flowTasks"},message:"must have required property '"+"flowTasks"+"'",schema:schema12.required,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err3];
}
else {
vErrors.push(err3);
}
errors++;
}
if(data.node === undefined){
const err4 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "node"},message:"must have required property '"+"node"+"'",schema:schema12.required,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err4];
}
else {
vErrors.push(err4);
}
errors++;
}
if(data.index === undefined){
const err5 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "index"},message:"must have required property '"+"index"+"'",schema:schema12.required,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err5];
}
else {
vErrors.push(err5);
}
errors++;
}
if(data.nbTasks === undefined){
const err6 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "nbTasks"},message:"must have required property '"+"nbTasks"+"'",schema:schema12.required,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err6];
}
else {
vErrors.push(err6);
}
errors++;
}
if(data.host === undefined){
const err7 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "host"},message:"must have required property '"+"host"+"'",schema:schema12.required,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err7];
}
else {
vErrors.push(err7);
}
errors++;
}
if(data.desiredState === undefined){
const err8 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "desiredState"},message:"must have required property '"+"desiredState"+"'",schema:schema12.required,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err8];
}
else {
vErrors.push(err8);
}
errors++;
}
if(data.deviceType === undefined){
const err9 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "deviceType"},message:"must have required property '"+"deviceType"+"'",schema:schema12.required,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err9];
}
else {
vErrors.push(err9);
}
errors++;
}
if(data.members === undefined){
const err10 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "members"},message:"must have required property '"+"members"+"'",schema:schema12.required,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err10];
}
else {
vErrors.push(err10);
}
errors++;
}
if(data.channels === undefined){
const err11 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "channels"},message:"must have required property '"+"channels"+"'",schema:schema12.required,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err11];
}
else {
vErrors.push(err11);
}
errors++;
}
if(data.env === undefined){
const err12 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "env"},message:"must have required property '"+"env"+"'",schema:schema12.required,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err12];
}
else {
vErrors.push(err12);
}
errors++;
}
if(data.restart === undefined){
const err13 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "restart"},message:"must have required property '"+"restart"+"'",schema:schema12.required,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err13];
}
else {
vErrors.push(err13);
}
errors++;
}
if(data.retries === undefined){
const err14 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "retries"},message:"must have required property '"+"retries"+"'",schema:schema12.required,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err14];
}
else {
vErrors.push(err14);
}
errors++;
}
if(data.startupDeadlineSeconds === undefined){
const err15 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "startupDeadlineSeconds"},message:"must have required property '"+"startupDeadlineSeconds"+"'",schema:schema12.required,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err15];
}
else {
vErrors.push(err15);
}
errors++;
}
if(data.terminationGracePeriodSeconds === undefined){
const err16 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "terminationGracePeriodSeconds"},message:"must have required property '"+"terminationGracePeriodSeconds"+"'",schema:schema12.required,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err16];
}
else {
vErrors.push(err16);
}
errors++;
}
if(data.templateHash === undefined){
const err17 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "templateHash"},message:"must have required property '"+"templateHash"+"'",schema:schema12.required,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err17];
}
else {
vErrors.push(err17);
}
errors++;
}
for(const key0 in data){
if(!(func2.call(schema12.properties, key0))){
const err18 = {instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0},message:"must NOT have additional properties",schema:false,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err18];
}
else {
vErrors.push(err18);
}
errors++;
}
}
if(data.flow !== undefined){
let data0 = data.flow;
if(typeof data0 !== "string"){
const err19 = {instancePath:instancePath+"/flow",schemaPath:"#/properties/flow/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.flow.type,parentSchema:schema12.properties.flow,data:data0};
if(vErrors === null){
vErrors = [err19];
}
else {
vErrors.push(err19);
}
errors++;
}
}
if(data.flowType !== undefined){
let data1 = data.flowType;
if(typeof data1 !== "string"){
const err20 = {instancePath:instancePath+"/flowType",schemaPath:"#/properties/flowType/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.flowType.type,parentSchema:schema12.properties.flowType,data:data1};
if(vErrors === null){
vErrors = [err20];
}
else {
vErrors.push(err20);
}
errors++;
}
if(!((data1 === "Batch") || (data1 === "Realtime"))){
const err21 = {instancePath:instancePath+"/flowType",schemaPath:"#/properties/flowType/enum",keyword:"enum",params:{allowedValues: schema12.properties.flowType.enum},message:"must be equal to one of the allowed values",schema:schema12.properties.flowType.enum,parentSchema:schema12.properties.flowType,data:data1};
if(vErrors === null){
vErrors = [err21];
}
else {
vErrors.push(err21);
}
errors++;
}
}
if(data.run !== undefined){
let data2 = data.run;
if(typeof data2 !== "string"){
const err22 = {instancePath:instancePath+"/run",schemaPath:"#/properties/run/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.run.type,parentSchema:schema12.properties.run,data:data2};
if(vErrors === null){
vErrors = [err22];
}
else {
vErrors.push(err22);
}
errors++;
}
}
if(data.flowTasks !== undefined){
let data3 = data.flowTasks;
if(!((typeof data3 == "number") && (!(data3 % 1) && !isNaN(data3)))){
const err23 = {instancePath:instancePath+"/flowTasks",schemaPath:"#/properties/flowTasks/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema12.properties.flowTasks.type,parentSchema:schema12.properties.flowTasks,data:data3};
if(vErrors === null){
vErrors = [err23];
}
else {
vErrors.push(err23);
}
errors++;
}
if(typeof data3 == "number"){
if(data3 < 1 || isNaN(data3)){
const err24 = {instancePath:instancePath+"/flowTasks",schemaPath:"#/properties/flowTasks/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},message:"must be >= 1",schema:1,parentSchema:schema12.properties.flowTasks,data:data3};
if(vErrors === null){
vErrors = [err24];
}
else {
vErrors.push(err24);
}
errors++;
}
}
}
if(data.node !== undefined){
let data4 = data.node;
if(typeof data4 !== "string"){
const err25 = {instancePath:instancePath+"/node",schemaPath:"#/properties/node/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.node.type,parentSchema:schema12.properties.node,data:data4};
if(vErrors === null){
vErrors = [err25];
}
else {
vErrors.push(err25);
}
errors++;
}
}
if(data.index !== undefined){
let data5 = data.index;
if(!((typeof data5 == "number") && (!(data5 % 1) && !isNaN(data5)))){
const err26 = {instancePath:instancePath+"/index",schemaPath:"#/properties/index/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema12.properties.index.type,parentSchema:schema12.properties.index,data:data5};
if(vErrors === null){
vErrors = [err26];
}
else {
vErrors.push(err26);
}
errors++;
}
if(typeof data5 == "number"){
if(data5 < 0 || isNaN(data5)){
const err27 = {instancePath:instancePath+"/index",schemaPath:"#/properties/index/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},message:"must be >= 0",schema:0,parentSchema:schema12.properties.index,data:data5};
if(vErrors === null){
vErrors = [err27];
}
else {
vErrors.push(err27);
}
errors++;
}
}
}
if(data.nbTasks !== undefined){
let data6 = data.nbTasks;
if(!((typeof data6 == "number") && (!(data6 % 1) && !isNaN(data6)))){
const err28 = {instancePath:instancePath+"/nbTasks",schemaPath:"#/properties/nbTasks/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema12.properties.nbTasks.type,parentSchema:schema12.properties.nbTasks,data:data6};
if(vErrors === null){
vErrors = [err28];
}
else {
vErrors.push(err28);
}
errors++;
}
if(typeof data6 == "number"){
if(data6 < 1 || isNaN(data6)){
const err29 = {instancePath:instancePath+"/nbTasks",schemaPath:"#/properties/nbTasks/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},message:"must be >= 1",schema:1,parentSchema:schema12.properties.nbTasks,data:data6};
if(vErrors === null){
vErrors = [err29];
}
else {
vErrors.push(err29);
}
errors++;
}
}
}
if(data.host !== undefined){
let data7 = data.host;
if(typeof data7 !== "string"){
const err30 = {instancePath:instancePath+"/host",schemaPath:"#/properties/host/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.host.type,parentSchema:schema12.properties.host,data:data7};
if(vErrors === null){
vErrors = [err30];
}
else {
vErrors.push(err30);
}
errors++;
}
}
if(data.desiredState !== undefined){
let data8 = data.desiredState;
if(typeof data8 !== "string"){
const err31 = {instancePath:instancePath+"/desiredState",schemaPath:"#/properties/desiredState/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.desiredState.type,parentSchema:schema12.properties.desiredState,data:data8};
if(vErrors === null){
vErrors = [err31];
}
else {
vErrors.push(err31);
}
errors++;
}
if(!((data8 === "Running") || (data8 === "Stopped"))){
const err32 = {instancePath:instancePath+"/desiredState",schemaPath:"#/properties/desiredState/enum",keyword:"enum",params:{allowedValues: schema12.properties.desiredState.enum},message:"must be equal to one of the allowed values",schema:schema12.properties.desiredState.enum,parentSchema:schema12.properties.desiredState,data:data8};
if(vErrors === null){
vErrors = [err32];
}
else {
vErrors.push(err32);
}
errors++;
}
}
if(data.deviceType !== undefined){
let data9 = data.deviceType;
if(typeof data9 !== "string"){
const err33 = {instancePath:instancePath+"/deviceType",schemaPath:"#/properties/deviceType/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.deviceType.type,parentSchema:schema12.properties.deviceType,data:data9};
if(vErrors === null){
vErrors = [err33];
}
else {
vErrors.push(err33);
}
errors++;
}
if(!((data9 === "CPU") || (data9 === "GPU"))){
const err34 = {instancePath:instancePath+"/deviceType",schemaPath:"#/properties/deviceType/enum",keyword:"enum",params:{allowedValues: schema12.properties.deviceType.enum},message:"must be equal to one of the allowed values",schema:schema12.properties.deviceType.enum,parentSchema:schema12.properties.deviceType,data:data9};
if(vErrors === null){
vErrors = [err34];
}
else {
vErrors.push(err34);
}
errors++;
}
}
if(data.claim !== undefined){
let data10 = data.claim;
if(typeof data10 !== "string"){
const err35 = {instancePath:instancePath+"/claim",schemaPath:"#/properties/claim/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.claim.type,parentSchema:schema12.properties.claim,data:data10};
if(vErrors === null){
vErrors = [err35];
}
else {
vErrors.push(err35);
}
errors++;
}
}
if(data.members !== undefined){
let data11 = data.members;
if(Array.isArray(data11)){
if(data11.length < 1){
const err36 = {instancePath:instancePath+"/members",schemaPath:"#/properties/members/minItems",keyword:"minItems",params:{limit: 1},message:"must NOT have fewer than 1 items",schema:1,parentSchema:schema12.properties.members,data:data11};
if(vErrors === null){
vErrors = [err36];
}
else {
vErrors.push(err36);
}
errors++;
}
const len0 = data11.length;
for(let i0=0; i0<len0; i0++){
let data12 = data11[i0];
if(data12 && typeof data12 == "object" && !Array.isArray(data12)){
if(data12.name === undefined){
const err37 = {instancePath:instancePath+"/members/" + i0,schemaPath:"#/properties/members/items/required",keyword:"required",params:{missingProperty: "name"},message:"must have required property '"+"name"+"'",schema:schema12.properties.members.items.required,parentSchema:schema12.properties.members.items,data:data12};
if(vErrors === null){
vErrors = [err37];
}
else {
vErrors.push(err37);
}
errors++;
}
if(data12.role === undefined){
const err38 = {instancePath:instancePath+"/members/" + i0,schemaPath:"#/properties/members/items/required",keyword:"required",params:{missingProperty: "role"},message:"must have required property '"+"role"+"'",schema:schema12.properties.members.items.required,parentSchema:schema12.properties.members.items,data:data12};
if(vErrors === null){
vErrors = [err38];
}
else {
vErrors.push(err38);
}
errors++;
}
if(data12.component === undefined){
const err39 = {instancePath:instancePath+"/members/" + i0,schemaPath:"#/properties/members/items/required",keyword:"required",params:{missingProperty: "component"},message:"must have required property '"+"component"+"'",schema:schema12.properties.members.items.required,parentSchema:schema12.properties.members.items,data:data12};
if(vErrors === null){
vErrors = [err39];
}
else {
vErrors.push(err39);
}
errors++;
}
if(data12.params === undefined){
const err40 = {instancePath:instancePath+"/members/" + i0,schemaPath:"#/properties/members/items/required",keyword:"required",params:{missingProperty: "params"},message:"must have required property '"+"params"+"'",schema:schema12.properties.members.items.required,parentSchema:schema12.properties.members.items,data:data12};
if(vErrors === null){
vErrors = [err40];
}
else {
vErrors.push(err40);
}
errors++;
}
if(data12.inputs === undefined){
const err41 = {instancePath:instancePath+"/members/" + i0,schemaPath:"#/properties/members/items/required",keyword:"required",params:{missingProperty: "inputs"},message:"must have required property '"+"inputs"+"'",schema:schema12.properties.members.items.required,parentSchema:schema12.properties.members.items,data:data12};
if(vErrors === null){
vErrors = [err41];
}
else {
vErrors.push(err41);
}
errors++;
}
for(const key1 in data12){
if(!(((((key1 === "name") || (key1 === "role")) || (key1 === "component")) || (key1 === "params")) || (key1 === "inputs"))){
const err42 = {instancePath:instancePath+"/members/" + i0,schemaPath:"#/properties/members/items/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key1},message:"must NOT have additional properties",schema:false,parentSchema:schema12.properties.members.items,data:data12};
if(vErrors === null){
vErrors = [err42];
}
else {
vErrors.push(err42);
}
errors++;
}
}
if(data12.name !== undefined){
let data13 = data12.name;
if(typeof data13 !== "string"){
const err43 = {instancePath:instancePath+"/members/" + i0+"/name",schemaPath:"#/properties/members/items/properties/name/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.members.items.properties.name.type,parentSchema:schema12.properties.members.items.properties.name,data:data13};
if(vErrors === null){
vErrors = [err43];
}
else {
vErrors.push(err43);
}
errors++;
}
}
if(data12.role !== undefined){
let data14 = data12.role;
if(typeof data14 !== "string"){
const err44 = {instancePath:instancePath+"/members/" + i0+"/role",schemaPath:"#/properties/members/items/properties/role/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.members.items.properties.role.type,parentSchema:schema12.properties.members.items.properties.role,data:data14};
if(vErrors === null){
vErrors = [err44];
}
else {
vErrors.push(err44);
}
errors++;
}
if(!(((data14 === "Producer") || (data14 === "Processor")) || (data14 === "Consumer"))){
const err45 = {instancePath:instancePath+"/members/" + i0+"/role",schemaPath:"#/properties/members/items/properties/role/enum",keyword:"enum",params:{allowedValues: schema12.properties.members.items.properties.role.enum},message:"must be equal to one of the allowed values",schema:schema12.properties.members.items.properties.role.enum,parentSchema:schema12.properties.members.items.properties.role,data:data14};
if(vErrors === null){
vErrors = [err45];
}
else {
vErrors.push(err45);
}
errors++;
}
}
if(data12.component !== undefined){
let data15 = data12.component;
if(typeof data15 !== "string"){
const err46 = {instancePath:instancePath+"/members/" + i0+"/component",schemaPath:"#/properties/members/items/properties/component/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.members.items.properties.component.type,parentSchema:schema12.properties.members.items.properties.component,data:data15};
if(vErrors === null){
vErrors = [err46];
}
else {
vErrors.push(err46);
}
errors++;
}
}
if(data12.params !== undefined){
let data16 = data12.params;
if(data16 && typeof data16 == "object" && !Array.isArray(data16)){
}
else {
const err47 = {instancePath:instancePath+"/members/" + i0+"/params",schemaPath:"#/properties/members/items/properties/params/type",keyword:"type",params:{type: "object"},message:"must be object",schema:schema12.properties.members.items.properties.params.type,parentSchema:schema12.properties.members.items.properties.params,data:data16};
if(vErrors === null){
vErrors = [err47];
}
else {
vErrors.push(err47);
}
errors++;
}
}
if(data12.inputs !== undefined){
let data17 = data12.inputs;
if(Array.isArray(data17)){
const len1 = data17.length;
for(let i1=0; i1<len1; i1++){
let data18 = data17[i1];
if(typeof data18 !== "string"){
const err48 = {instancePath:instancePath+"/members/" + i0+"/inputs/" + i1,schemaPath:"#/properties/members/items/properties/inputs/items/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.members.items.properties.inputs.items.type,parentSchema:schema12.properties.members.items.properties.inputs.items,data:data18};
if(vErrors === null){
vErrors = [err48];
}
else {
vErrors.push(err48);
}
errors++;
}
}
}
else {
const err49 = {instancePath:instancePath+"/members/" + i0+"/inputs",schemaPath:"#/properties/members/items/properties/inputs/type",keyword:"type",params:{type: "array"},message:"must be array",schema:schema12.properties.members.items.properties.inputs.type,parentSchema:schema12.properties.members.items.properties.inputs,data:data17};
if(vErrors === null){
vErrors = [err49];
}
else {
vErrors.push(err49);
}
errors++;
}
}
}
else {
const err50 = {instancePath:instancePath+"/members/" + i0,schemaPath:"#/properties/members/items/type",keyword:"type",params:{type: "object"},message:"must be object",schema:schema12.properties.members.items.type,parentSchema:schema12.properties.members.items,data:data12};
if(vErrors === null){
vErrors = [err50];
}
else {
vErrors.push(err50);
}
errors++;
}
}
}
else {
const err51 = {instancePath:instancePath+"/members",schemaPath:"#/properties/members/type",keyword:"type",params:{type: "array"},message:"must be array",schema:schema12.properties.members.type,parentSchema:schema12.properties.members,data:data11};
if(vErrors === null){
vErrors = [err51];
}
else {
vErrors.push(err51);
}
errors++;
}
}
if(data.channels !== undefined){
let data19 = data.channels;
if(data19 && typeof data19 == "object" && !Array.isArray(data19)){
if(data19.slots === undefined){
const err52 = {instancePath:instancePath+"/channels",schemaPath:"#/properties/channels/required",keyword:"required",params:{missingProperty: "slots"},message:"must have required property '"+"slots"+"'",schema:schema12.properties.channels.required,parentSchema:schema12.properties.channels,data:data19};
if(vErrors === null){
vErrors = [err52];
}
else {
vErrors.push(err52);
}
errors++;
}
if(data19.slotBytes === undefined){
const err53 = {instancePath:instancePath+"/channels",schemaPath:"#/properties/channels/required",keyword:"required",params:{missingProperty: "slotBytes"},message:"must have required property '"+"slotBytes"+"'",schema:schema12.properties.channels.required,parentSchema:schema12.properties.channels,data:data19};
if(vErrors === null){
vErrors = [err53];
}
else {
vErrors.push(err53);
}
errors++;
}
if(data19.inputs === undefined){
const err54 = {instancePath:instancePath+"/channels",schemaPath:"#/properties/channels/required",keyword:"required",params:{missingProperty: "inputs"},message:"must have required property '"+"inputs"+"'",schema:schema12.properties.channels.required,parentSchema:schema12.properties.channels,data:data19};
if(vErrors === null){
vErrors = [err54];
}
else {
vErrors.push(err54);
}
errors++;
}
for(const key2 in data19){
if(!(((((key2 === "slots") || (key2 === "slotBytes")) || (key2 === "partitionBy")) || (key2 === "join")) || (key2 === "inputs"))){
const err55 = {instancePath:instancePath+"/channels",schemaPath:"#/properties/channels/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key2},message:"must NOT have additional properties",schema:false,parentSchema:schema12.properties.channels,data:data19};
if(vErrors === null){
vErrors = [err55];
}
else {
vErrors.push(err55);
}
errors++;
}
}
if(data19.slots !== undefined){
let data20 = data19.slots;
if(!((typeof data20 == "number") && (!(data20 % 1) && !isNaN(data20)))){
const err56 = {instancePath:instancePath+"/channels/slots",schemaPath:"#/properties/channels/properties/slots/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema12.properties.channels.properties.slots.type,parentSchema:schema12.properties.channels.properties.slots,data:data20};
if(vErrors === null){
vErrors = [err56];
}
else {
vErrors.push(err56);
}
errors++;
}
if(typeof data20 == "number"){
if(data20 < 0 || isNaN(data20)){
const err57 = {instancePath:instancePath+"/channels/slots",schemaPath:"#/properties/channels/properties/slots/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},message:"must be >= 0",schema:0,parentSchema:schema12.properties.channels.properties.slots,data:data20};
if(vErrors === null){
vErrors = [err57];
}
else {
vErrors.push(err57);
}
errors++;
}
}
}
if(data19.slotBytes !== undefined){
let data21 = data19.slotBytes;
if(!((typeof data21 == "number") && (!(data21 % 1) && !isNaN(data21)))){
const err58 = {instancePath:instancePath+"/channels/slotBytes",schemaPath:"#/properties/channels/properties/slotBytes/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema12.properties.channels.properties.slotBytes.type,parentSchema:schema12.properties.channels.properties.slotBytes,data:data21};
if(vErrors === null){
vErrors = [err58];
}
else {
vErrors.push(err58);
}
errors++;
}
if(typeof data21 == "number"){
if(data21 < 0 || isNaN(data21)){
const err59 = {instancePath:instancePath+"/channels/slotBytes",schemaPath:"#/properties/channels/properties/slotBytes/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},message:"must be >= 0",schema:0,parentSchema:schema12.properties.channels.properties.slotBytes,data:data21};
if(vErrors === null){
vErrors = [err59];
}
else {
vErrors.push(err59);
}
errors++;
}
}
}
if(data19.partitionBy !== undefined){
let data22 = data19.partitionBy;
if(typeof data22 !== "string"){
const err60 = {instancePath:instancePath+"/channels/partitionBy",schemaPath:"#/properties/channels/properties/partitionBy/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.channels.properties.partitionBy.type,parentSchema:schema12.properties.channels.properties.partitionBy,data:data22};
if(vErrors === null){
vErrors = [err60];
}
else {
vErrors.push(err60);
}
errors++;
}
}
if(data19.join !== undefined){
let data23 = data19.join;
if(typeof data23 !== "string"){
const err61 = {instancePath:instancePath+"/channels/join",schemaPath:"#/properties/channels/properties/join/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.channels.properties.join.type,parentSchema:schema12.properties.channels.properties.join,data:data23};
if(vErrors === null){
vErrors = [err61];
}
else {
vErrors.push(err61);
}
errors++;
}
if(!(data23 === "Trace")){
const err62 = {instancePath:instancePath+"/channels/join",schemaPath:"#/properties/channels/properties/join/enum",keyword:"enum",params:{allowedValues: schema12.properties.channels.properties.join.enum},message:"must be equal to one of the allowed values",schema:schema12.properties.channels.properties.join.enum,parentSchema:schema12.properties.channels.properties.join,data:data23};
if(vErrors === null){
vErrors = [err62];
}
else {
vErrors.push(err62);
}
errors++;
}
}
if(data19.inputs !== undefined){
let data24 = data19.inputs;
if(Array.isArray(data24)){
const len2 = data24.length;
for(let i2=0; i2<len2; i2++){
let data25 = data24[i2];
if(data25 && typeof data25 == "object" && !Array.isArray(data25)){
if(data25.from === undefined){
const err63 = {instancePath:instancePath+"/channels/inputs/" + i2,schemaPath:"#/properties/channels/properties/inputs/items/required",keyword:"required",params:{missingProperty: "from"},message:"must have required property '"+"from"+"'",schema:schema12.properties.channels.properties.inputs.items.required,parentSchema:schema12.properties.channels.properties.inputs.items,data:data25};
if(vErrors === null){
vErrors = [err63];
}
else {
vErrors.push(err63);
}
errors++;
}
if(data25.cells === undefined){
const err64 = {instancePath:instancePath+"/channels/inputs/" + i2,schemaPath:"#/properties/channels/properties/inputs/items/required",keyword:"required",params:{missingProperty: "cells"},message:"must have required property '"+"cells"+"'",schema:schema12.properties.channels.properties.inputs.items.required,parentSchema:schema12.properties.channels.properties.inputs.items,data:data25};
if(vErrors === null){
vErrors = [err64];
}
else {
vErrors.push(err64);
}
errors++;
}
if(data25.keep === undefined){
const err65 = {instancePath:instancePath+"/channels/inputs/" + i2,schemaPath:"#/properties/channels/properties/inputs/items/required",keyword:"required",params:{missingProperty: "keep"},message:"must have required property '"+"keep"+"'",schema:schema12.properties.channels.properties.inputs.items.required,parentSchema:schema12.properties.channels.properties.inputs.items,data:data25};
if(vErrors === null){
vErrors = [err65];
}
else {
vErrors.push(err65);
}
errors++;
}
if(data25.releases === undefined){
const err66 = {instancePath:instancePath+"/channels/inputs/" + i2,schemaPath:"#/properties/channels/properties/inputs/items/required",keyword:"required",params:{missingProperty: "releases"},message:"must have required property '"+"releases"+"'",schema:schema12.properties.channels.properties.inputs.items.required,parentSchema:schema12.properties.channels.properties.inputs.items,data:data25};
if(vErrors === null){
vErrors = [err66];
}
else {
vErrors.push(err66);
}
errors++;
}
for(const key3 in data25){
if(!((((key3 === "from") || (key3 === "cells")) || (key3 === "keep")) || (key3 === "releases"))){
const err67 = {instancePath:instancePath+"/channels/inputs/" + i2,schemaPath:"#/properties/channels/properties/inputs/items/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key3},message:"must NOT have additional properties",schema:false,parentSchema:schema12.properties.channels.properties.inputs.items,data:data25};
if(vErrors === null){
vErrors = [err67];
}
else {
vErrors.push(err67);
}
errors++;
}
}
if(data25.from !== undefined){
let data26 = data25.from;
if(typeof data26 !== "string"){
const err68 = {instancePath:instancePath+"/channels/inputs/" + i2+"/from",schemaPath:"#/properties/channels/properties/inputs/items/properties/from/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.channels.properties.inputs.items.properties.from.type,parentSchema:schema12.properties.channels.properties.inputs.items.properties.from,data:data26};
if(vErrors === null){
vErrors = [err68];
}
else {
vErrors.push(err68);
}
errors++;
}
}
if(data25.cells !== undefined){
let data27 = data25.cells;
if(!((typeof data27 == "number") && (!(data27 % 1) && !isNaN(data27)))){
const err69 = {instancePath:instancePath+"/channels/inputs/" + i2+"/cells",schemaPath:"#/properties/channels/properties/inputs/items/properties/cells/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema12.properties.channels.properties.inputs.items.properties.cells.type,parentSchema:schema12.properties.channels.properties.inputs.items.properties.cells,data:data27};
if(vErrors === null){
vErrors = [err69];
}
else {
vErrors.push(err69);
}
errors++;
}
if(typeof data27 == "number"){
if(data27 < 1 || isNaN(data27)){
const err70 = {instancePath:instancePath+"/channels/inputs/" + i2+"/cells",schemaPath:"#/properties/channels/properties/inputs/items/properties/cells/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},message:"must be >= 1",schema:1,parentSchema:schema12.properties.channels.properties.inputs.items.properties.cells,data:data27};
if(vErrors === null){
vErrors = [err70];
}
else {
vErrors.push(err70);
}
errors++;
}
}
}
if(data25.keep !== undefined){
let data28 = data25.keep;
if(!((typeof data28 == "number") && (!(data28 % 1) && !isNaN(data28)))){
const err71 = {instancePath:instancePath+"/channels/inputs/" + i2+"/keep",schemaPath:"#/properties/channels/properties/inputs/items/properties/keep/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema12.properties.channels.properties.inputs.items.properties.keep.type,parentSchema:schema12.properties.channels.properties.inputs.items.properties.keep,data:data28};
if(vErrors === null){
vErrors = [err71];
}
else {
vErrors.push(err71);
}
errors++;
}
if(typeof data28 == "number"){
if(data28 < 1 || isNaN(data28)){
const err72 = {instancePath:instancePath+"/channels/inputs/" + i2+"/keep",schemaPath:"#/properties/channels/properties/inputs/items/properties/keep/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},message:"must be >= 1",schema:1,parentSchema:schema12.properties.channels.properties.inputs.items.properties.keep,data:data28};
if(vErrors === null){
vErrors = [err72];
}
else {
vErrors.push(err72);
}
errors++;
}
}
}
if(data25.releases !== undefined){
let data29 = data25.releases;
if(Array.isArray(data29)){
const len3 = data29.length;
for(let i3=0; i3<len3; i3++){
let data30 = data29[i3];
if(data30 && typeof data30 == "object" && !Array.isArray(data30)){
if(data30.from === undefined){
const err73 = {instancePath:instancePath+"/channels/inputs/" + i2+"/releases/" + i3,schemaPath:"#/properties/channels/properties/inputs/items/properties/releases/items/required",keyword:"required",params:{missingProperty: "from"},message:"must have required property '"+"from"+"'",schema:schema12.properties.channels.properties.inputs.items.properties.releases.items.required,parentSchema:schema12.properties.channels.properties.inputs.items.properties.releases.items,data:data30};
if(vErrors === null){
vErrors = [err73];
}
else {
vErrors.push(err73);
}
errors++;
}
if(data30.to === undefined){
const err74 = {instancePath:instancePath+"/channels/inputs/" + i2+"/releases/" + i3,schemaPath:"#/properties/channels/properties/inputs/items/properties/releases/items/required",keyword:"required",params:{missingProperty: "to"},message:"must have required property '"+"to"+"'",schema:schema12.properties.channels.properties.inputs.items.properties.releases.items.required,parentSchema:schema12.properties.channels.properties.inputs.items.properties.releases.items,data:data30};
if(vErrors === null){
vErrors = [err74];
}
else {
vErrors.push(err74);
}
errors++;
}
for(const key4 in data30){
if(!((key4 === "from") || (key4 === "to"))){
const err75 = {instancePath:instancePath+"/channels/inputs/" + i2+"/releases/" + i3,schemaPath:"#/properties/channels/properties/inputs/items/properties/releases/items/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key4},message:"must NOT have additional properties",schema:false,parentSchema:schema12.properties.channels.properties.inputs.items.properties.releases.items,data:data30};
if(vErrors === null){
vErrors = [err75];
}
else {
vErrors.push(err75);
}
errors++;
}
}
if(data30.from !== undefined){
let data31 = data30.from;
if(typeof data31 !== "string"){
const err76 = {instancePath:instancePath+"/channels/inputs/" + i2+"/releases/" + i3+"/from",schemaPath:"#/properties/channels/properties/inputs/items/properties/releases/items/properties/from/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.channels.properties.inputs.items.properties.releases.items.properties.from.type,parentSchema:schema12.properties.channels.properties.inputs.items.properties.releases.items.properties.from,data:data31};
if(vErrors === null){
vErrors = [err76];
}
else {
vErrors.push(err76);
}
errors++;
}
}
if(data30.to !== undefined){
let data32 = data30.to;
if(typeof data32 !== "string"){
const err77 = {instancePath:instancePath+"/channels/inputs/" + i2+"/releases/" + i3+"/to",schemaPath:"#/properties/channels/properties/inputs/items/properties/releases/items/properties/to/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.channels.properties.inputs.items.properties.releases.items.properties.to.type,parentSchema:schema12.properties.channels.properties.inputs.items.properties.releases.items.properties.to,data:data32};
if(vErrors === null){
vErrors = [err77];
}
else {
vErrors.push(err77);
}
errors++;
}
}
}
else {
const err78 = {instancePath:instancePath+"/channels/inputs/" + i2+"/releases/" + i3,schemaPath:"#/properties/channels/properties/inputs/items/properties/releases/items/type",keyword:"type",params:{type: "object"},message:"must be object",schema:schema12.properties.channels.properties.inputs.items.properties.releases.items.type,parentSchema:schema12.properties.channels.properties.inputs.items.properties.releases.items,data:data30};
if(vErrors === null){
vErrors = [err78];
}
else {
vErrors.push(err78);
}
errors++;
}
}
}
else {
const err79 = {instancePath:instancePath+"/channels/inputs/" + i2+"/releases",schemaPath:"#/properties/channels/properties/inputs/items/properties/releases/type",keyword:"type",params:{type: "array"},message:"must be array",schema:schema12.properties.channels.properties.inputs.items.properties.releases.type,parentSchema:schema12.properties.channels.properties.inputs.items.properties.releases,data:data29};
if(vErrors === null){
vErrors = [err79];
}
else {
vErrors.push(err79);
}
errors++;
}
}
}
else {
const err80 = {instancePath:instancePath+"/channels/inputs/" + i2,schemaPath:"#/properties/channels/properties/inputs/items/type",keyword:"type",params:{type: "object"},message:"must be object",schema:schema12.properties.channels.properties.inputs.items.type,parentSchema:schema12.properties.channels.properties.inputs.items,data:data25};
if(vErrors === null){
vErrors = [err80];
}
else {
vErrors.push(err80);
}
errors++;
}
}
}
else {
const err81 = {instancePath:instancePath+"/channels/inputs",schemaPath:"#/properties/channels/properties/inputs/type",keyword:"type",params:{type: "array"},message:"must be array",schema:schema12.properties.channels.properties.inputs.type,parentSchema:schema12.properties.channels.properties.inputs,data:data24};
if(vErrors === null){
vErrors = [err81];
}
else {
vErrors.push(err81);
}
errors++;
}
}
}
else {
const err82 = {instancePath:instancePath+"/channels",schemaPath:"#/properties/channels/type",keyword:"type",params:{type: "object"},message:"must be object",schema:schema12.properties.channels.type,parentSchema:schema12.properties.channels,data:data19};
if(vErrors === null){
vErrors = [err82];
}
else {
vErrors.push(err82);
}
errors++;
}
}
if(data.graphHash !== undefined){
let data33 = data.graphHash;
if(typeof data33 !== "string"){
const err83 = {instancePath:instancePath+"/graphHash",schemaPath:"#/properties/graphHash/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.graphHash.type,parentSchema:schema12.properties.graphHash,data:data33};
if(vErrors === null){
vErrors = [err83];
}
else {
vErrors.push(err83);
}
errors++;
}
}
if(data.root !== undefined){
let data34 = data.root;
if(typeof data34 !== "string"){
const err84 = {instancePath:instancePath+"/root",schemaPath:"#/properties/root/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.root.type,parentSchema:schema12.properties.root,data:data34};
if(vErrors === null){
vErrors = [err84];
}
else {
vErrors.push(err84);
}
errors++;
}
}
if(data.workingDir !== undefined){
let data35 = data.workingDir;
if(typeof data35 !== "string"){
const err85 = {instancePath:instancePath+"/workingDir",schemaPath:"#/properties/workingDir/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.workingDir.type,parentSchema:schema12.properties.workingDir,data:data35};
if(vErrors === null){
vErrors = [err85];
}
else {
vErrors.push(err85);
}
errors++;
}
}
if(data.env !== undefined){
let data36 = data.env;
if(Array.isArray(data36)){
const len4 = data36.length;
for(let i4=0; i4<len4; i4++){
let data37 = data36[i4];
if(data37 && typeof data37 == "object" && !Array.isArray(data37)){
if(data37.name === undefined){
const err86 = {instancePath:instancePath+"/env/" + i4,schemaPath:"#/properties/env/items/required",keyword:"required",params:{missingProperty: "name"},message:"must have required property '"+"name"+"'",schema:schema12.properties.env.items.required,parentSchema:schema12.properties.env.items,data:data37};
if(vErrors === null){
vErrors = [err86];
}
else {
vErrors.push(err86);
}
errors++;
}
if(data37.value === undefined){
const err87 = {instancePath:instancePath+"/env/" + i4,schemaPath:"#/properties/env/items/required",keyword:"required",params:{missingProperty: "value"},message:"must have required property '"+"value"+"'",schema:schema12.properties.env.items.required,parentSchema:schema12.properties.env.items,data:data37};
if(vErrors === null){
vErrors = [err87];
}
else {
vErrors.push(err87);
}
errors++;
}
for(const key5 in data37){
if(!((key5 === "name") || (key5 === "value"))){
const err88 = {instancePath:instancePath+"/env/" + i4,schemaPath:"#/properties/env/items/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key5},message:"must NOT have additional properties",schema:false,parentSchema:schema12.properties.env.items,data:data37};
if(vErrors === null){
vErrors = [err88];
}
else {
vErrors.push(err88);
}
errors++;
}
}
if(data37.name !== undefined){
let data38 = data37.name;
if(typeof data38 !== "string"){
const err89 = {instancePath:instancePath+"/env/" + i4+"/name",schemaPath:"#/properties/env/items/properties/name/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.env.items.properties.name.type,parentSchema:schema12.properties.env.items.properties.name,data:data38};
if(vErrors === null){
vErrors = [err89];
}
else {
vErrors.push(err89);
}
errors++;
}
}
if(data37.value !== undefined){
let data39 = data37.value;
if(typeof data39 !== "string"){
const err90 = {instancePath:instancePath+"/env/" + i4+"/value",schemaPath:"#/properties/env/items/properties/value/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.env.items.properties.value.type,parentSchema:schema12.properties.env.items.properties.value,data:data39};
if(vErrors === null){
vErrors = [err90];
}
else {
vErrors.push(err90);
}
errors++;
}
}
}
else {
const err91 = {instancePath:instancePath+"/env/" + i4,schemaPath:"#/properties/env/items/type",keyword:"type",params:{type: "object"},message:"must be object",schema:schema12.properties.env.items.type,parentSchema:schema12.properties.env.items,data:data37};
if(vErrors === null){
vErrors = [err91];
}
else {
vErrors.push(err91);
}
errors++;
}
}
}
else {
const err92 = {instancePath:instancePath+"/env",schemaPath:"#/properties/env/type",keyword:"type",params:{type: "array"},message:"must be array",schema:schema12.properties.env.type,parentSchema:schema12.properties.env,data:data36};
if(vErrors === null){
vErrors = [err92];
}
else {
vErrors.push(err92);
}
errors++;
}
}
if(data.restart !== undefined){
let data40 = data.restart;
if(data40 && typeof data40 == "object" && !Array.isArray(data40)){
if(data40.policy === undefined){
const err93 = {instancePath:instancePath+"/restart",schemaPath:"#/properties/restart/required",keyword:"required",params:{missingProperty: "policy"},message:"must have required property '"+"policy"+"'",schema:schema12.properties.restart.required,parentSchema:schema12.properties.restart,data:data40};
if(vErrors === null){
vErrors = [err93];
}
else {
vErrors.push(err93);
}
errors++;
}
if(data40.initialBackoffSeconds === undefined){
const err94 = {instancePath:instancePath+"/restart",schemaPath:"#/properties/restart/required",keyword:"required",params:{missingProperty: "initialBackoffSeconds"},message:"must have required property '"+"initialBackoffSeconds"+"'",schema:schema12.properties.restart.required,parentSchema:schema12.properties.restart,data:data40};
if(vErrors === null){
vErrors = [err94];
}
else {
vErrors.push(err94);
}
errors++;
}
if(data40.maxBackoffSeconds === undefined){
const err95 = {instancePath:instancePath+"/restart",schemaPath:"#/properties/restart/required",keyword:"required",params:{missingProperty: "maxBackoffSeconds"},message:"must have required property '"+"maxBackoffSeconds"+"'",schema:schema12.properties.restart.required,parentSchema:schema12.properties.restart,data:data40};
if(vErrors === null){
vErrors = [err95];
}
else {
vErrors.push(err95);
}
errors++;
}
if(data40.maxRestarts === undefined){
const err96 = {instancePath:instancePath+"/restart",schemaPath:"#/properties/restart/required",keyword:"required",params:{missingProperty: "maxRestarts"},message:"must have required property '"+"maxRestarts"+"'",schema:schema12.properties.restart.required,parentSchema:schema12.properties.restart,data:data40};
if(vErrors === null){
vErrors = [err96];
}
else {
vErrors.push(err96);
}
errors++;
}
if(data40.windowSeconds === undefined){
const err97 = {instancePath:instancePath+"/restart",schemaPath:"#/properties/restart/required",keyword:"required",params:{missingProperty: "windowSeconds"},message:"must have required property '"+"windowSeconds"+"'",schema:schema12.properties.restart.required,parentSchema:schema12.properties.restart,data:data40};
if(vErrors === null){
vErrors = [err97];
}
else {
vErrors.push(err97);
}
errors++;
}
for(const key6 in data40){
if(!(((((key6 === "policy") || (key6 === "initialBackoffSeconds")) || (key6 === "maxBackoffSeconds")) || (key6 === "maxRestarts")) || (key6 === "windowSeconds"))){
const err98 = {instancePath:instancePath+"/restart",schemaPath:"#/properties/restart/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key6},message:"must NOT have additional properties",schema:false,parentSchema:schema12.properties.restart,data:data40};
if(vErrors === null){
vErrors = [err98];
}
else {
vErrors.push(err98);
}
errors++;
}
}
if(data40.policy !== undefined){
let data41 = data40.policy;
if(typeof data41 !== "string"){
const err99 = {instancePath:instancePath+"/restart/policy",schemaPath:"#/properties/restart/properties/policy/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.restart.properties.policy.type,parentSchema:schema12.properties.restart.properties.policy,data:data41};
if(vErrors === null){
vErrors = [err99];
}
else {
vErrors.push(err99);
}
errors++;
}
if(!((data41 === "OnFailure") || (data41 === "Never"))){
const err100 = {instancePath:instancePath+"/restart/policy",schemaPath:"#/properties/restart/properties/policy/enum",keyword:"enum",params:{allowedValues: schema12.properties.restart.properties.policy.enum},message:"must be equal to one of the allowed values",schema:schema12.properties.restart.properties.policy.enum,parentSchema:schema12.properties.restart.properties.policy,data:data41};
if(vErrors === null){
vErrors = [err100];
}
else {
vErrors.push(err100);
}
errors++;
}
}
if(data40.initialBackoffSeconds !== undefined){
let data42 = data40.initialBackoffSeconds;
if(!(typeof data42 == "number")){
const err101 = {instancePath:instancePath+"/restart/initialBackoffSeconds",schemaPath:"#/properties/restart/properties/initialBackoffSeconds/type",keyword:"type",params:{type: "number"},message:"must be number",schema:schema12.properties.restart.properties.initialBackoffSeconds.type,parentSchema:schema12.properties.restart.properties.initialBackoffSeconds,data:data42};
if(vErrors === null){
vErrors = [err101];
}
else {
vErrors.push(err101);
}
errors++;
}
}
if(data40.maxBackoffSeconds !== undefined){
let data43 = data40.maxBackoffSeconds;
if(!(typeof data43 == "number")){
const err102 = {instancePath:instancePath+"/restart/maxBackoffSeconds",schemaPath:"#/properties/restart/properties/maxBackoffSeconds/type",keyword:"type",params:{type: "number"},message:"must be number",schema:schema12.properties.restart.properties.maxBackoffSeconds.type,parentSchema:schema12.properties.restart.properties.maxBackoffSeconds,data:data43};
if(vErrors === null){
vErrors = [err102];
}
else {
vErrors.push(err102);
}
errors++;
}
}
if(data40.maxRestarts !== undefined){
let data44 = data40.maxRestarts;
if(!((typeof data44 == "number") && (!(data44 % 1) && !isNaN(data44)))){
const err103 = {instancePath:instancePath+"/restart/maxRestarts",schemaPath:"#/properties/restart/properties/maxRestarts/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema12.properties.restart.properties.maxRestarts.type,parentSchema:schema12.properties.restart.properties.maxRestarts,data:data44};
if(vErrors === null){
vErrors = [err103];
}
else {
vErrors.push(err103);
}
errors++;
}
}
if(data40.windowSeconds !== undefined){
let data45 = data40.windowSeconds;
if(!((typeof data45 == "number") && (!(data45 % 1) && !isNaN(data45)))){
const err104 = {instancePath:instancePath+"/restart/windowSeconds",schemaPath:"#/properties/restart/properties/windowSeconds/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema12.properties.restart.properties.windowSeconds.type,parentSchema:schema12.properties.restart.properties.windowSeconds,data:data45};
if(vErrors === null){
vErrors = [err104];
}
else {
vErrors.push(err104);
}
errors++;
}
}
}
else {
const err105 = {instancePath:instancePath+"/restart",schemaPath:"#/properties/restart/type",keyword:"type",params:{type: "object"},message:"must be object",schema:schema12.properties.restart.type,parentSchema:schema12.properties.restart,data:data40};
if(vErrors === null){
vErrors = [err105];
}
else {
vErrors.push(err105);
}
errors++;
}
}
if(data.retries !== undefined){
let data46 = data.retries;
if(!((typeof data46 == "number") && (!(data46 % 1) && !isNaN(data46)))){
const err106 = {instancePath:instancePath+"/retries",schemaPath:"#/properties/retries/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema12.properties.retries.type,parentSchema:schema12.properties.retries,data:data46};
if(vErrors === null){
vErrors = [err106];
}
else {
vErrors.push(err106);
}
errors++;
}
if(typeof data46 == "number"){
if(data46 < 0 || isNaN(data46)){
const err107 = {instancePath:instancePath+"/retries",schemaPath:"#/properties/retries/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},message:"must be >= 0",schema:0,parentSchema:schema12.properties.retries,data:data46};
if(vErrors === null){
vErrors = [err107];
}
else {
vErrors.push(err107);
}
errors++;
}
}
}
if(data.startupDeadlineSeconds !== undefined){
let data47 = data.startupDeadlineSeconds;
if(!((typeof data47 == "number") && (!(data47 % 1) && !isNaN(data47)))){
const err108 = {instancePath:instancePath+"/startupDeadlineSeconds",schemaPath:"#/properties/startupDeadlineSeconds/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema12.properties.startupDeadlineSeconds.type,parentSchema:schema12.properties.startupDeadlineSeconds,data:data47};
if(vErrors === null){
vErrors = [err108];
}
else {
vErrors.push(err108);
}
errors++;
}
if(typeof data47 == "number"){
if(data47 < 1 || isNaN(data47)){
const err109 = {instancePath:instancePath+"/startupDeadlineSeconds",schemaPath:"#/properties/startupDeadlineSeconds/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},message:"must be >= 1",schema:1,parentSchema:schema12.properties.startupDeadlineSeconds,data:data47};
if(vErrors === null){
vErrors = [err109];
}
else {
vErrors.push(err109);
}
errors++;
}
}
}
if(data.progressDeadlineSeconds !== undefined){
let data48 = data.progressDeadlineSeconds;
if(!((typeof data48 == "number") && (!(data48 % 1) && !isNaN(data48)))){
const err110 = {instancePath:instancePath+"/progressDeadlineSeconds",schemaPath:"#/properties/progressDeadlineSeconds/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema12.properties.progressDeadlineSeconds.type,parentSchema:schema12.properties.progressDeadlineSeconds,data:data48};
if(vErrors === null){
vErrors = [err110];
}
else {
vErrors.push(err110);
}
errors++;
}
if(typeof data48 == "number"){
if(data48 < 1 || isNaN(data48)){
const err111 = {instancePath:instancePath+"/progressDeadlineSeconds",schemaPath:"#/properties/progressDeadlineSeconds/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},message:"must be >= 1",schema:1,parentSchema:schema12.properties.progressDeadlineSeconds,data:data48};
if(vErrors === null){
vErrors = [err111];
}
else {
vErrors.push(err111);
}
errors++;
}
}
}
if(data.terminationGracePeriodSeconds !== undefined){
let data49 = data.terminationGracePeriodSeconds;
if(!((typeof data49 == "number") && (!(data49 % 1) && !isNaN(data49)))){
const err112 = {instancePath:instancePath+"/terminationGracePeriodSeconds",schemaPath:"#/properties/terminationGracePeriodSeconds/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema12.properties.terminationGracePeriodSeconds.type,parentSchema:schema12.properties.terminationGracePeriodSeconds,data:data49};
if(vErrors === null){
vErrors = [err112];
}
else {
vErrors.push(err112);
}
errors++;
}
if(typeof data49 == "number"){
if(data49 < 0 || isNaN(data49)){
const err113 = {instancePath:instancePath+"/terminationGracePeriodSeconds",schemaPath:"#/properties/terminationGracePeriodSeconds/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},message:"must be >= 0",schema:0,parentSchema:schema12.properties.terminationGracePeriodSeconds,data:data49};
if(vErrors === null){
vErrors = [err113];
}
else {
vErrors.push(err113);
}
errors++;
}
}
}
if(data.templateHash !== undefined){
let data50 = data.templateHash;
if(typeof data50 !== "string"){
const err114 = {instancePath:instancePath+"/templateHash",schemaPath:"#/properties/templateHash/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.templateHash.type,parentSchema:schema12.properties.templateHash,data:data50};
if(vErrors === null){
vErrors = [err114];
}
else {
vErrors.push(err114);
}
errors++;
}
}
}
else {
const err115 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"},message:"must be object",schema:schema12.type,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err115];
}
else {
vErrors.push(err115);
}
errors++;
}
validate11.errors = vErrors;
return errors === 0;
}

export const validateHostSpec = validate12;
const schema13 = {"type":"object","description":"What the operator wants of the machine.","properties":{"schedulable":{"type":"boolean","default":true,"description":"Whether flows may be placed here."}},"additionalProperties":false,"$id":"Host"};

function validate12(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
/*# sourceURL="Host" */;
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
for(const key0 in data){
if(!(key0 === "schedulable")){
const err0 = {instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0},message:"must NOT have additional properties",schema:false,parentSchema:schema13,data};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
}
if(data.schedulable !== undefined){
let data0 = data.schedulable;
if(typeof data0 !== "boolean"){
const err1 = {instancePath:instancePath+"/schedulable",schemaPath:"#/properties/schedulable/type",keyword:"type",params:{type: "boolean"},message:"must be boolean",schema:schema13.properties.schedulable.type,parentSchema:schema13.properties.schedulable,data:data0};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
}
}
}
else {
const err2 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"},message:"must be object",schema:schema13.type,parentSchema:schema13,data};
if(vErrors === null){
vErrors = [err2];
}
else {
vErrors.push(err2);
}
errors++;
}
validate12.errors = vErrors;
return errors === 0;
}

export const validateVideoFlowSpec = validate13;
const schema14 = {"type":"object","description":"The graph and the wanted state.","required":["nodes"],"properties":{"flowType":{"type":"string","enum":["Batch","Realtime"],"default":"Batch","description":"Batch loses nothing and ends; in Realtime the freshest message wins and a writer never blocks. Immutable."},"desiredState":{"type":"string","enum":["Running","Stopped"],"default":"Running","description":"Stopped ends the producers, drains what is in flight and ends the tasks."},"admission":{"type":"object","description":"What happens when the host cannot give the flow what it needs now.","properties":{"policy":{"type":"string","enum":["Fail","Wait"],"description":"Fail refuses the flow at once, Wait keeps it until devices are free. Default: Fail under `videoflow run`."},"timeoutSeconds":{"type":"integer","minimum":1,"maximum":31536000,"description":"With Wait: give up after this many seconds."}},"additionalProperties":false},"nodes":{"type":"array","minItems":1,"maxItems":256,"description":"The vertices of the graph, in any order.","items":{"type":"object","required":["name","role","component"],"properties":{"name":{"type":"string","minLength":1,"maxLength":63,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$","description":"A DNS label, unique in the flow."},"role":{"type":"string","enum":["Producer","Processor","Consumer"],"description":"Producers have no inputs, consumers no outputs. Checked against the component's descriptor."},"component":{"type":"string","minLength":1,"maxLength":512,"description":"A built-in name (VideoFileReader) or a class of a module (./file.ts#Export)."},"params":{"type":"object","default":{},"description":"What the component's constructor gets; checked against its schema.","additionalProperties":true},"inputs":{"type":"array","maxItems":64,"default":[],"items":{"type":"string","minLength":1,"maxLength":63},"description":"Names of the parents, in the order of process(...inputs)."},"nbTasks":{"type":"integer","minimum":1,"maximum":1024,"default":1,"description":"Number of tasks (processes) of a processor."},"oneTask":{"type":"boolean","default":false,"description":"The component keeps state and always gets one task."},"deviceType":{"type":"string","enum":["CPU","GPU"],"default":"CPU","description":"GPU is a wish: each task gets a GPU of its own while there are any, the others run on the CPU."},"device":{"type":"object","description":"What the node's GPUs must be like.","properties":{"required":{"type":"boolean","default":false,"description":"The node can only run on a GPU; without one the flow is refused before any process starts."},"count":{"type":"integer","minimum":1,"maximum":64,"default":1,"description":"GPUs per task."},"memory":{"type":"string","pattern":"^[0-9]+(\\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$","maxLength":32,"description":"Memory that each GPU must have; with sharing Shared, what the task takes of it. A quantity such as 8Gi."},"sharing":{"type":"string","enum":["Exclusive","Shared"],"default":"Exclusive","description":"Shared lets claims share a GPU by memory; there is no isolation between them."},"product":{"type":"string","maxLength":128,"description":"Text that the product name of the GPU must contain, such as H100; case is ignored."}},"additionalProperties":false},"join":{"type":"object","description":"How a node with several inputs brings them together.","properties":{"mode":{"type":"string","enum":["Trace"],"default":"Trace","description":"Trace joins the messages that come from the same message of the producer."}},"additionalProperties":false},"partitionBy":{"type":"string","minLength":1,"maxLength":128,"description":"trace_id or a metadata field: all messages of one key go to one task."},"taskGroup":{"type":"string","minLength":1,"maxLength":63,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$","description":"Processor nodes of one group are fused into one task (the original's TaskModuleNode)."},"restart":{"type":"object","description":"What happens when a task dies.","properties":{"policy":{"type":"string","enum":["OnFailure","Never"],"default":"OnFailure","description":"OnFailure starts a dead task again within its budget."},"initialBackoffSeconds":{"type":"number","minimum":0,"maximum":3600,"default":1,"description":"Wait before the second restart in a row; doubles from there. The first is at once."},"maxBackoffSeconds":{"type":"number","minimum":0,"maximum":86400,"default":60,"description":"The longest wait."},"maxRestarts":{"type":"integer","minimum":0,"maximum":1000000,"default":5,"description":"Restarts within windowSeconds before the task is Failed."},"windowSeconds":{"type":"integer","minimum":1,"maximum":31536000,"default":600,"description":"The window of maxRestarts."}},"additionalProperties":false},"retries":{"type":"integer","minimum":0,"maximum":1000,"default":3,"description":"Further attempts at an input before it goes to the dead letters."},"env":{"type":"array","maxItems":256,"default":[],"description":"Environment variables of the tasks. VF_*, CUDA_*, HIP_* and ROCR_* are reserved.","items":{"type":"object","required":["name","value"],"properties":{"name":{"type":"string","minLength":1,"maxLength":256,"pattern":"^[A-Za-z_][A-Za-z0-9_]*$","description":"Name of the variable."},"value":{"type":"string","maxLength":32768,"description":"Value of the variable."}},"additionalProperties":false}},"workingDir":{"type":"string","maxLength":4096,"description":"Working directory of the tasks; the folder of the manifest by default."},"startupDeadlineSeconds":{"type":"integer","minimum":1,"maximum":86400,"default":60,"description":"A task that is not ready by then is replaced."},"progressDeadlineSeconds":{"type":"integer","minimum":1,"maximum":86400,"description":"A task that has input and space but makes no progress for so long is replaced. Default: off."},"terminationGracePeriodSeconds":{"type":"integer","minimum":0,"maximum":86400,"default":10,"description":"Time between SIGTERM and SIGKILL."},"buffer":{"type":"object","description":"Size of the output pool of each task of the node.","properties":{"messages":{"type":"integer","minimum":1,"maximum":4096,"description":"Messages in flight behind each task; raised where less would deadlock."},"bytes":{"type":"integer","minimum":1,"maximum":1099511627776,"description":"Bytes of all of them together, for the memory budget."}},"additionalProperties":false}},"additionalProperties":false}}},"additionalProperties":false,"$id":"VideoFlow"};
const func5 = require("ajv/dist/runtime/ucs2length").default;
const pattern0 = new RegExp("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "u");
const pattern1 = new RegExp("^[0-9]+(\\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$", "u");
const pattern3 = new RegExp("^[A-Za-z_][A-Za-z0-9_]*$", "u");

function validate13(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
/*# sourceURL="VideoFlow" */;
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.nodes === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "nodes"},message:"must have required property '"+"nodes"+"'",schema:schema14.required,parentSchema:schema14,data};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
for(const key0 in data){
if(!((((key0 === "flowType") || (key0 === "desiredState")) || (key0 === "admission")) || (key0 === "nodes"))){
const err1 = {instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0},message:"must NOT have additional properties",schema:false,parentSchema:schema14,data};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
}
}
if(data.flowType !== undefined){
let data0 = data.flowType;
if(typeof data0 !== "string"){
const err2 = {instancePath:instancePath+"/flowType",schemaPath:"#/properties/flowType/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema14.properties.flowType.type,parentSchema:schema14.properties.flowType,data:data0};
if(vErrors === null){
vErrors = [err2];
}
else {
vErrors.push(err2);
}
errors++;
}
if(!((data0 === "Batch") || (data0 === "Realtime"))){
const err3 = {instancePath:instancePath+"/flowType",schemaPath:"#/properties/flowType/enum",keyword:"enum",params:{allowedValues: schema14.properties.flowType.enum},message:"must be equal to one of the allowed values",schema:schema14.properties.flowType.enum,parentSchema:schema14.properties.flowType,data:data0};
if(vErrors === null){
vErrors = [err3];
}
else {
vErrors.push(err3);
}
errors++;
}
}
if(data.desiredState !== undefined){
let data1 = data.desiredState;
if(typeof data1 !== "string"){
const err4 = {instancePath:instancePath+"/desiredState",schemaPath:"#/properties/desiredState/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema14.properties.desiredState.type,parentSchema:schema14.properties.desiredState,data:data1};
if(vErrors === null){
vErrors = [err4];
}
else {
vErrors.push(err4);
}
errors++;
}
if(!((data1 === "Running") || (data1 === "Stopped"))){
const err5 = {instancePath:instancePath+"/desiredState",schemaPath:"#/properties/desiredState/enum",keyword:"enum",params:{allowedValues: schema14.properties.desiredState.enum},message:"must be equal to one of the allowed values",schema:schema14.properties.desiredState.enum,parentSchema:schema14.properties.desiredState,data:data1};
if(vErrors === null){
vErrors = [err5];
}
else {
vErrors.push(err5);
}
errors++;
}
}
if(data.admission !== undefined){
let data2 = data.admission;
if(data2 && typeof data2 == "object" && !Array.isArray(data2)){
for(const key1 in data2){
if(!((key1 === "policy") || (key1 === "timeoutSeconds"))){
const err6 = {instancePath:instancePath+"/admission",schemaPath:"#/properties/admission/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key1},message:"must NOT have additional properties",schema:false,parentSchema:schema14.properties.admission,data:data2};
if(vErrors === null){
vErrors = [err6];
}
else {
vErrors.push(err6);
}
errors++;
}
}
if(data2.policy !== undefined){
let data3 = data2.policy;
if(typeof data3 !== "string"){
const err7 = {instancePath:instancePath+"/admission/policy",schemaPath:"#/properties/admission/properties/policy/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema14.properties.admission.properties.policy.type,parentSchema:schema14.properties.admission.properties.policy,data:data3};
if(vErrors === null){
vErrors = [err7];
}
else {
vErrors.push(err7);
}
errors++;
}
if(!((data3 === "Fail") || (data3 === "Wait"))){
const err8 = {instancePath:instancePath+"/admission/policy",schemaPath:"#/properties/admission/properties/policy/enum",keyword:"enum",params:{allowedValues: schema14.properties.admission.properties.policy.enum},message:"must be equal to one of the allowed values",schema:schema14.properties.admission.properties.policy.enum,parentSchema:schema14.properties.admission.properties.policy,data:data3};
if(vErrors === null){
vErrors = [err8];
}
else {
vErrors.push(err8);
}
errors++;
}
}
if(data2.timeoutSeconds !== undefined){
let data4 = data2.timeoutSeconds;
if(!((typeof data4 == "number") && (!(data4 % 1) && !isNaN(data4)))){
const err9 = {instancePath:instancePath+"/admission/timeoutSeconds",schemaPath:"#/properties/admission/properties/timeoutSeconds/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema14.properties.admission.properties.timeoutSeconds.type,parentSchema:schema14.properties.admission.properties.timeoutSeconds,data:data4};
if(vErrors === null){
vErrors = [err9];
}
else {
vErrors.push(err9);
}
errors++;
}
if(typeof data4 == "number"){
if(data4 > 31536000 || isNaN(data4)){
const err10 = {instancePath:instancePath+"/admission/timeoutSeconds",schemaPath:"#/properties/admission/properties/timeoutSeconds/maximum",keyword:"maximum",params:{comparison: "<=", limit: 31536000},message:"must be <= 31536000",schema:31536000,parentSchema:schema14.properties.admission.properties.timeoutSeconds,data:data4};
if(vErrors === null){
vErrors = [err10];
}
else {
vErrors.push(err10);
}
errors++;
}
if(data4 < 1 || isNaN(data4)){
const err11 = {instancePath:instancePath+"/admission/timeoutSeconds",schemaPath:"#/properties/admission/properties/timeoutSeconds/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},message:"must be >= 1",schema:1,parentSchema:schema14.properties.admission.properties.timeoutSeconds,data:data4};
if(vErrors === null){
vErrors = [err11];
}
else {
vErrors.push(err11);
}
errors++;
}
}
}
}
else {
const err12 = {instancePath:instancePath+"/admission",schemaPath:"#/properties/admission/type",keyword:"type",params:{type: "object"},message:"must be object",schema:schema14.properties.admission.type,parentSchema:schema14.properties.admission,data:data2};
if(vErrors === null){
vErrors = [err12];
}
else {
vErrors.push(err12);
}
errors++;
}
}
if(data.nodes !== undefined){
let data5 = data.nodes;
if(Array.isArray(data5)){
if(data5.length > 256){
const err13 = {instancePath:instancePath+"/nodes",schemaPath:"#/properties/nodes/maxItems",keyword:"maxItems",params:{limit: 256},message:"must NOT have more than 256 items",schema:256,parentSchema:schema14.properties.nodes,data:data5};
if(vErrors === null){
vErrors = [err13];
}
else {
vErrors.push(err13);
}
errors++;
}
if(data5.length < 1){
const err14 = {instancePath:instancePath+"/nodes",schemaPath:"#/properties/nodes/minItems",keyword:"minItems",params:{limit: 1},message:"must NOT have fewer than 1 items",schema:1,parentSchema:schema14.properties.nodes,data:data5};
if(vErrors === null){
vErrors = [err14];
}
else {
vErrors.push(err14);
}
errors++;
}
const len0 = data5.length;
for(let i0=0; i0<len0; i0++){
let data6 = data5[i0];
if(data6 && typeof data6 == "object" && !Array.isArray(data6)){
if(data6.name === undefined){
const err15 = {instancePath:instancePath+"/nodes/" + i0,schemaPath:"#/properties/nodes/items/required",keyword:"required",params:{missingProperty: "name"},message:"must have required property '"+"name"+"'",schema:schema14.properties.nodes.items.required,parentSchema:schema14.properties.nodes.items,data:data6};
if(vErrors === null){
vErrors = [err15];
}
else {
vErrors.push(err15);
}
errors++;
}
if(data6.role === undefined){
const err16 = {instancePath:instancePath+"/nodes/" + i0,schemaPath:"#/properties/nodes/items/required",keyword:"required",params:{missingProperty: "role"},message:"must have required property '"+"role"+"'",schema:schema14.properties.nodes.items.required,parentSchema:schema14.properties.nodes.items,data:data6};
if(vErrors === null){
vErrors = [err16];
}
else {
vErrors.push(err16);
}
errors++;
}
if(data6.component === undefined){
const err17 = {instancePath:instancePath+"/nodes/" + i0,schemaPath:"#/properties/nodes/items/required",keyword:"required",params:{missingProperty: "component"},message:"must have required property '"+"component"+"'",schema:schema14.properties.nodes.items.required,parentSchema:schema14.properties.nodes.items,data:data6};
if(vErrors === null){
vErrors = [err17];
}
else {
vErrors.push(err17);
}
errors++;
}
for(const key2 in data6){
if(!(func2.call(schema14.properties.nodes.items.properties, key2))){
const err18 = {instancePath:instancePath+"/nodes/" + i0,schemaPath:"#/properties/nodes/items/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key2},message:"must NOT have additional properties",schema:false,parentSchema:schema14.properties.nodes.items,data:data6};
if(vErrors === null){
vErrors = [err18];
}
else {
vErrors.push(err18);
}
errors++;
}
}
if(data6.name !== undefined){
let data7 = data6.name;
if(typeof data7 === "string"){
if(func5(data7) > 63){
const err19 = {instancePath:instancePath+"/nodes/" + i0+"/name",schemaPath:"#/properties/nodes/items/properties/name/maxLength",keyword:"maxLength",params:{limit: 63},message:"must NOT have more than 63 characters",schema:63,parentSchema:schema14.properties.nodes.items.properties.name,data:data7};
if(vErrors === null){
vErrors = [err19];
}
else {
vErrors.push(err19);
}
errors++;
}
if(func5(data7) < 1){
const err20 = {instancePath:instancePath+"/nodes/" + i0+"/name",schemaPath:"#/properties/nodes/items/properties/name/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters",schema:1,parentSchema:schema14.properties.nodes.items.properties.name,data:data7};
if(vErrors === null){
vErrors = [err20];
}
else {
vErrors.push(err20);
}
errors++;
}
if(!pattern0.test(data7)){
const err21 = {instancePath:instancePath+"/nodes/" + i0+"/name",schemaPath:"#/properties/nodes/items/properties/name/pattern",keyword:"pattern",params:{pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"},message:"must match pattern \""+"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"+"\"",schema:"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",parentSchema:schema14.properties.nodes.items.properties.name,data:data7};
if(vErrors === null){
vErrors = [err21];
}
else {
vErrors.push(err21);
}
errors++;
}
}
else {
const err22 = {instancePath:instancePath+"/nodes/" + i0+"/name",schemaPath:"#/properties/nodes/items/properties/name/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema14.properties.nodes.items.properties.name.type,parentSchema:schema14.properties.nodes.items.properties.name,data:data7};
if(vErrors === null){
vErrors = [err22];
}
else {
vErrors.push(err22);
}
errors++;
}
}
if(data6.role !== undefined){
let data8 = data6.role;
if(typeof data8 !== "string"){
const err23 = {instancePath:instancePath+"/nodes/" + i0+"/role",schemaPath:"#/properties/nodes/items/properties/role/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema14.properties.nodes.items.properties.role.type,parentSchema:schema14.properties.nodes.items.properties.role,data:data8};
if(vErrors === null){
vErrors = [err23];
}
else {
vErrors.push(err23);
}
errors++;
}
if(!(((data8 === "Producer") || (data8 === "Processor")) || (data8 === "Consumer"))){
const err24 = {instancePath:instancePath+"/nodes/" + i0+"/role",schemaPath:"#/properties/nodes/items/properties/role/enum",keyword:"enum",params:{allowedValues: schema14.properties.nodes.items.properties.role.enum},message:"must be equal to one of the allowed values",schema:schema14.properties.nodes.items.properties.role.enum,parentSchema:schema14.properties.nodes.items.properties.role,data:data8};
if(vErrors === null){
vErrors = [err24];
}
else {
vErrors.push(err24);
}
errors++;
}
}
if(data6.component !== undefined){
let data9 = data6.component;
if(typeof data9 === "string"){
if(func5(data9) > 512){
const err25 = {instancePath:instancePath+"/nodes/" + i0+"/component",schemaPath:"#/properties/nodes/items/properties/component/maxLength",keyword:"maxLength",params:{limit: 512},message:"must NOT have more than 512 characters",schema:512,parentSchema:schema14.properties.nodes.items.properties.component,data:data9};
if(vErrors === null){
vErrors = [err25];
}
else {
vErrors.push(err25);
}
errors++;
}
if(func5(data9) < 1){
const err26 = {instancePath:instancePath+"/nodes/" + i0+"/component",schemaPath:"#/properties/nodes/items/properties/component/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters",schema:1,parentSchema:schema14.properties.nodes.items.properties.component,data:data9};
if(vErrors === null){
vErrors = [err26];
}
else {
vErrors.push(err26);
}
errors++;
}
}
else {
const err27 = {instancePath:instancePath+"/nodes/" + i0+"/component",schemaPath:"#/properties/nodes/items/properties/component/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema14.properties.nodes.items.properties.component.type,parentSchema:schema14.properties.nodes.items.properties.component,data:data9};
if(vErrors === null){
vErrors = [err27];
}
else {
vErrors.push(err27);
}
errors++;
}
}
if(data6.params !== undefined){
let data10 = data6.params;
if(data10 && typeof data10 == "object" && !Array.isArray(data10)){
}
else {
const err28 = {instancePath:instancePath+"/nodes/" + i0+"/params",schemaPath:"#/properties/nodes/items/properties/params/type",keyword:"type",params:{type: "object"},message:"must be object",schema:schema14.properties.nodes.items.properties.params.type,parentSchema:schema14.properties.nodes.items.properties.params,data:data10};
if(vErrors === null){
vErrors = [err28];
}
else {
vErrors.push(err28);
}
errors++;
}
}
if(data6.inputs !== undefined){
let data11 = data6.inputs;
if(Array.isArray(data11)){
if(data11.length > 64){
const err29 = {instancePath:instancePath+"/nodes/" + i0+"/inputs",schemaPath:"#/properties/nodes/items/properties/inputs/maxItems",keyword:"maxItems",params:{limit: 64},message:"must NOT have more than 64 items",schema:64,parentSchema:schema14.properties.nodes.items.properties.inputs,data:data11};
if(vErrors === null){
vErrors = [err29];
}
else {
vErrors.push(err29);
}
errors++;
}
const len1 = data11.length;
for(let i1=0; i1<len1; i1++){
let data12 = data11[i1];
if(typeof data12 === "string"){
if(func5(data12) > 63){
const err30 = {instancePath:instancePath+"/nodes/" + i0+"/inputs/" + i1,schemaPath:"#/properties/nodes/items/properties/inputs/items/maxLength",keyword:"maxLength",params:{limit: 63},message:"must NOT have more than 63 characters",schema:63,parentSchema:schema14.properties.nodes.items.properties.inputs.items,data:data12};
if(vErrors === null){
vErrors = [err30];
}
else {
vErrors.push(err30);
}
errors++;
}
if(func5(data12) < 1){
const err31 = {instancePath:instancePath+"/nodes/" + i0+"/inputs/" + i1,schemaPath:"#/properties/nodes/items/properties/inputs/items/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters",schema:1,parentSchema:schema14.properties.nodes.items.properties.inputs.items,data:data12};
if(vErrors === null){
vErrors = [err31];
}
else {
vErrors.push(err31);
}
errors++;
}
}
else {
const err32 = {instancePath:instancePath+"/nodes/" + i0+"/inputs/" + i1,schemaPath:"#/properties/nodes/items/properties/inputs/items/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema14.properties.nodes.items.properties.inputs.items.type,parentSchema:schema14.properties.nodes.items.properties.inputs.items,data:data12};
if(vErrors === null){
vErrors = [err32];
}
else {
vErrors.push(err32);
}
errors++;
}
}
}
else {
const err33 = {instancePath:instancePath+"/nodes/" + i0+"/inputs",schemaPath:"#/properties/nodes/items/properties/inputs/type",keyword:"type",params:{type: "array"},message:"must be array",schema:schema14.properties.nodes.items.properties.inputs.type,parentSchema:schema14.properties.nodes.items.properties.inputs,data:data11};
if(vErrors === null){
vErrors = [err33];
}
else {
vErrors.push(err33);
}
errors++;
}
}
if(data6.nbTasks !== undefined){
let data13 = data6.nbTasks;
if(!((typeof data13 == "number") && (!(data13 % 1) && !isNaN(data13)))){
const err34 = {instancePath:instancePath+"/nodes/" + i0+"/nbTasks",schemaPath:"#/properties/nodes/items/properties/nbTasks/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema14.properties.nodes.items.properties.nbTasks.type,parentSchema:schema14.properties.nodes.items.properties.nbTasks,data:data13};
if(vErrors === null){
vErrors = [err34];
}
else {
vErrors.push(err34);
}
errors++;
}
if(typeof data13 == "number"){
if(data13 > 1024 || isNaN(data13)){
const err35 = {instancePath:instancePath+"/nodes/" + i0+"/nbTasks",schemaPath:"#/properties/nodes/items/properties/nbTasks/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1024},message:"must be <= 1024",schema:1024,parentSchema:schema14.properties.nodes.items.properties.nbTasks,data:data13};
if(vErrors === null){
vErrors = [err35];
}
else {
vErrors.push(err35);
}
errors++;
}
if(data13 < 1 || isNaN(data13)){
const err36 = {instancePath:instancePath+"/nodes/" + i0+"/nbTasks",schemaPath:"#/properties/nodes/items/properties/nbTasks/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},message:"must be >= 1",schema:1,parentSchema:schema14.properties.nodes.items.properties.nbTasks,data:data13};
if(vErrors === null){
vErrors = [err36];
}
else {
vErrors.push(err36);
}
errors++;
}
}
}
if(data6.oneTask !== undefined){
let data14 = data6.oneTask;
if(typeof data14 !== "boolean"){
const err37 = {instancePath:instancePath+"/nodes/" + i0+"/oneTask",schemaPath:"#/properties/nodes/items/properties/oneTask/type",keyword:"type",params:{type: "boolean"},message:"must be boolean",schema:schema14.properties.nodes.items.properties.oneTask.type,parentSchema:schema14.properties.nodes.items.properties.oneTask,data:data14};
if(vErrors === null){
vErrors = [err37];
}
else {
vErrors.push(err37);
}
errors++;
}
}
if(data6.deviceType !== undefined){
let data15 = data6.deviceType;
if(typeof data15 !== "string"){
const err38 = {instancePath:instancePath+"/nodes/" + i0+"/deviceType",schemaPath:"#/properties/nodes/items/properties/deviceType/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema14.properties.nodes.items.properties.deviceType.type,parentSchema:schema14.properties.nodes.items.properties.deviceType,data:data15};
if(vErrors === null){
vErrors = [err38];
}
else {
vErrors.push(err38);
}
errors++;
}
if(!((data15 === "CPU") || (data15 === "GPU"))){
const err39 = {instancePath:instancePath+"/nodes/" + i0+"/deviceType",schemaPath:"#/properties/nodes/items/properties/deviceType/enum",keyword:"enum",params:{allowedValues: schema14.properties.nodes.items.properties.deviceType.enum},message:"must be equal to one of the allowed values",schema:schema14.properties.nodes.items.properties.deviceType.enum,parentSchema:schema14.properties.nodes.items.properties.deviceType,data:data15};
if(vErrors === null){
vErrors = [err39];
}
else {
vErrors.push(err39);
}
errors++;
}
}
if(data6.device !== undefined){
let data16 = data6.device;
if(data16 && typeof data16 == "object" && !Array.isArray(data16)){
for(const key3 in data16){
if(!(((((key3 === "required") || (key3 === "count")) || (key3 === "memory")) || (key3 === "sharing")) || (key3 === "product"))){
const err40 = {instancePath:instancePath+"/nodes/" + i0+"/device",schemaPath:"#/properties/nodes/items/properties/device/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key3},message:"must NOT have additional properties",schema:false,parentSchema:schema14.properties.nodes.items.properties.device,data:data16};
if(vErrors === null){
vErrors = [err40];
}
else {
vErrors.push(err40);
}
errors++;
}
}
if(data16.required !== undefined){
let data17 = data16.required;
if(typeof data17 !== "boolean"){
const err41 = {instancePath:instancePath+"/nodes/" + i0+"/device/required",schemaPath:"#/properties/nodes/items/properties/device/properties/required/type",keyword:"type",params:{type: "boolean"},message:"must be boolean",schema:schema14.properties.nodes.items.properties.device.properties.required.type,parentSchema:schema14.properties.nodes.items.properties.device.properties.required,data:data17};
if(vErrors === null){
vErrors = [err41];
}
else {
vErrors.push(err41);
}
errors++;
}
}
if(data16.count !== undefined){
let data18 = data16.count;
if(!((typeof data18 == "number") && (!(data18 % 1) && !isNaN(data18)))){
const err42 = {instancePath:instancePath+"/nodes/" + i0+"/device/count",schemaPath:"#/properties/nodes/items/properties/device/properties/count/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema14.properties.nodes.items.properties.device.properties.count.type,parentSchema:schema14.properties.nodes.items.properties.device.properties.count,data:data18};
if(vErrors === null){
vErrors = [err42];
}
else {
vErrors.push(err42);
}
errors++;
}
if(typeof data18 == "number"){
if(data18 > 64 || isNaN(data18)){
const err43 = {instancePath:instancePath+"/nodes/" + i0+"/device/count",schemaPath:"#/properties/nodes/items/properties/device/properties/count/maximum",keyword:"maximum",params:{comparison: "<=", limit: 64},message:"must be <= 64",schema:64,parentSchema:schema14.properties.nodes.items.properties.device.properties.count,data:data18};
if(vErrors === null){
vErrors = [err43];
}
else {
vErrors.push(err43);
}
errors++;
}
if(data18 < 1 || isNaN(data18)){
const err44 = {instancePath:instancePath+"/nodes/" + i0+"/device/count",schemaPath:"#/properties/nodes/items/properties/device/properties/count/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},message:"must be >= 1",schema:1,parentSchema:schema14.properties.nodes.items.properties.device.properties.count,data:data18};
if(vErrors === null){
vErrors = [err44];
}
else {
vErrors.push(err44);
}
errors++;
}
}
}
if(data16.memory !== undefined){
let data19 = data16.memory;
if(typeof data19 === "string"){
if(func5(data19) > 32){
const err45 = {instancePath:instancePath+"/nodes/" + i0+"/device/memory",schemaPath:"#/properties/nodes/items/properties/device/properties/memory/maxLength",keyword:"maxLength",params:{limit: 32},message:"must NOT have more than 32 characters",schema:32,parentSchema:schema14.properties.nodes.items.properties.device.properties.memory,data:data19};
if(vErrors === null){
vErrors = [err45];
}
else {
vErrors.push(err45);
}
errors++;
}
if(!pattern1.test(data19)){
const err46 = {instancePath:instancePath+"/nodes/" + i0+"/device/memory",schemaPath:"#/properties/nodes/items/properties/device/properties/memory/pattern",keyword:"pattern",params:{pattern: "^[0-9]+(\\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$"},message:"must match pattern \""+"^[0-9]+(\\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$"+"\"",schema:"^[0-9]+(\\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$",parentSchema:schema14.properties.nodes.items.properties.device.properties.memory,data:data19};
if(vErrors === null){
vErrors = [err46];
}
else {
vErrors.push(err46);
}
errors++;
}
}
else {
const err47 = {instancePath:instancePath+"/nodes/" + i0+"/device/memory",schemaPath:"#/properties/nodes/items/properties/device/properties/memory/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema14.properties.nodes.items.properties.device.properties.memory.type,parentSchema:schema14.properties.nodes.items.properties.device.properties.memory,data:data19};
if(vErrors === null){
vErrors = [err47];
}
else {
vErrors.push(err47);
}
errors++;
}
}
if(data16.sharing !== undefined){
let data20 = data16.sharing;
if(typeof data20 !== "string"){
const err48 = {instancePath:instancePath+"/nodes/" + i0+"/device/sharing",schemaPath:"#/properties/nodes/items/properties/device/properties/sharing/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema14.properties.nodes.items.properties.device.properties.sharing.type,parentSchema:schema14.properties.nodes.items.properties.device.properties.sharing,data:data20};
if(vErrors === null){
vErrors = [err48];
}
else {
vErrors.push(err48);
}
errors++;
}
if(!((data20 === "Exclusive") || (data20 === "Shared"))){
const err49 = {instancePath:instancePath+"/nodes/" + i0+"/device/sharing",schemaPath:"#/properties/nodes/items/properties/device/properties/sharing/enum",keyword:"enum",params:{allowedValues: schema14.properties.nodes.items.properties.device.properties.sharing.enum},message:"must be equal to one of the allowed values",schema:schema14.properties.nodes.items.properties.device.properties.sharing.enum,parentSchema:schema14.properties.nodes.items.properties.device.properties.sharing,data:data20};
if(vErrors === null){
vErrors = [err49];
}
else {
vErrors.push(err49);
}
errors++;
}
}
if(data16.product !== undefined){
let data21 = data16.product;
if(typeof data21 === "string"){
if(func5(data21) > 128){
const err50 = {instancePath:instancePath+"/nodes/" + i0+"/device/product",schemaPath:"#/properties/nodes/items/properties/device/properties/product/maxLength",keyword:"maxLength",params:{limit: 128},message:"must NOT have more than 128 characters",schema:128,parentSchema:schema14.properties.nodes.items.properties.device.properties.product,data:data21};
if(vErrors === null){
vErrors = [err50];
}
else {
vErrors.push(err50);
}
errors++;
}
}
else {
const err51 = {instancePath:instancePath+"/nodes/" + i0+"/device/product",schemaPath:"#/properties/nodes/items/properties/device/properties/product/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema14.properties.nodes.items.properties.device.properties.product.type,parentSchema:schema14.properties.nodes.items.properties.device.properties.product,data:data21};
if(vErrors === null){
vErrors = [err51];
}
else {
vErrors.push(err51);
}
errors++;
}
}
}
else {
const err52 = {instancePath:instancePath+"/nodes/" + i0+"/device",schemaPath:"#/properties/nodes/items/properties/device/type",keyword:"type",params:{type: "object"},message:"must be object",schema:schema14.properties.nodes.items.properties.device.type,parentSchema:schema14.properties.nodes.items.properties.device,data:data16};
if(vErrors === null){
vErrors = [err52];
}
else {
vErrors.push(err52);
}
errors++;
}
}
if(data6.join !== undefined){
let data22 = data6.join;
if(data22 && typeof data22 == "object" && !Array.isArray(data22)){
for(const key4 in data22){
if(!(key4 === "mode")){
const err53 = {instancePath:instancePath+"/nodes/" + i0+"/join",schemaPath:"#/properties/nodes/items/properties/join/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key4},message:"must NOT have additional properties",schema:false,parentSchema:schema14.properties.nodes.items.properties.join,data:data22};
if(vErrors === null){
vErrors = [err53];
}
else {
vErrors.push(err53);
}
errors++;
}
}
if(data22.mode !== undefined){
let data23 = data22.mode;
if(typeof data23 !== "string"){
const err54 = {instancePath:instancePath+"/nodes/" + i0+"/join/mode",schemaPath:"#/properties/nodes/items/properties/join/properties/mode/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema14.properties.nodes.items.properties.join.properties.mode.type,parentSchema:schema14.properties.nodes.items.properties.join.properties.mode,data:data23};
if(vErrors === null){
vErrors = [err54];
}
else {
vErrors.push(err54);
}
errors++;
}
if(!(data23 === "Trace")){
const err55 = {instancePath:instancePath+"/nodes/" + i0+"/join/mode",schemaPath:"#/properties/nodes/items/properties/join/properties/mode/enum",keyword:"enum",params:{allowedValues: schema14.properties.nodes.items.properties.join.properties.mode.enum},message:"must be equal to one of the allowed values",schema:schema14.properties.nodes.items.properties.join.properties.mode.enum,parentSchema:schema14.properties.nodes.items.properties.join.properties.mode,data:data23};
if(vErrors === null){
vErrors = [err55];
}
else {
vErrors.push(err55);
}
errors++;
}
}
}
else {
const err56 = {instancePath:instancePath+"/nodes/" + i0+"/join",schemaPath:"#/properties/nodes/items/properties/join/type",keyword:"type",params:{type: "object"},message:"must be object",schema:schema14.properties.nodes.items.properties.join.type,parentSchema:schema14.properties.nodes.items.properties.join,data:data22};
if(vErrors === null){
vErrors = [err56];
}
else {
vErrors.push(err56);
}
errors++;
}
}
if(data6.partitionBy !== undefined){
let data24 = data6.partitionBy;
if(typeof data24 === "string"){
if(func5(data24) > 128){
const err57 = {instancePath:instancePath+"/nodes/" + i0+"/partitionBy",schemaPath:"#/properties/nodes/items/properties/partitionBy/maxLength",keyword:"maxLength",params:{limit: 128},message:"must NOT have more than 128 characters",schema:128,parentSchema:schema14.properties.nodes.items.properties.partitionBy,data:data24};
if(vErrors === null){
vErrors = [err57];
}
else {
vErrors.push(err57);
}
errors++;
}
if(func5(data24) < 1){
const err58 = {instancePath:instancePath+"/nodes/" + i0+"/partitionBy",schemaPath:"#/properties/nodes/items/properties/partitionBy/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters",schema:1,parentSchema:schema14.properties.nodes.items.properties.partitionBy,data:data24};
if(vErrors === null){
vErrors = [err58];
}
else {
vErrors.push(err58);
}
errors++;
}
}
else {
const err59 = {instancePath:instancePath+"/nodes/" + i0+"/partitionBy",schemaPath:"#/properties/nodes/items/properties/partitionBy/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema14.properties.nodes.items.properties.partitionBy.type,parentSchema:schema14.properties.nodes.items.properties.partitionBy,data:data24};
if(vErrors === null){
vErrors = [err59];
}
else {
vErrors.push(err59);
}
errors++;
}
}
if(data6.taskGroup !== undefined){
let data25 = data6.taskGroup;
if(typeof data25 === "string"){
if(func5(data25) > 63){
const err60 = {instancePath:instancePath+"/nodes/" + i0+"/taskGroup",schemaPath:"#/properties/nodes/items/properties/taskGroup/maxLength",keyword:"maxLength",params:{limit: 63},message:"must NOT have more than 63 characters",schema:63,parentSchema:schema14.properties.nodes.items.properties.taskGroup,data:data25};
if(vErrors === null){
vErrors = [err60];
}
else {
vErrors.push(err60);
}
errors++;
}
if(func5(data25) < 1){
const err61 = {instancePath:instancePath+"/nodes/" + i0+"/taskGroup",schemaPath:"#/properties/nodes/items/properties/taskGroup/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters",schema:1,parentSchema:schema14.properties.nodes.items.properties.taskGroup,data:data25};
if(vErrors === null){
vErrors = [err61];
}
else {
vErrors.push(err61);
}
errors++;
}
if(!pattern0.test(data25)){
const err62 = {instancePath:instancePath+"/nodes/" + i0+"/taskGroup",schemaPath:"#/properties/nodes/items/properties/taskGroup/pattern",keyword:"pattern",params:{pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"},message:"must match pattern \""+"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"+"\"",schema:"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",parentSchema:schema14.properties.nodes.items.properties.taskGroup,data:data25};
if(vErrors === null){
vErrors = [err62];
}
else {
vErrors.push(err62);
}
errors++;
}
}
else {
const err63 = {instancePath:instancePath+"/nodes/" + i0+"/taskGroup",schemaPath:"#/properties/nodes/items/properties/taskGroup/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema14.properties.nodes.items.properties.taskGroup.type,parentSchema:schema14.properties.nodes.items.properties.taskGroup,data:data25};
if(vErrors === null){
vErrors = [err63];
}
else {
vErrors.push(err63);
}
errors++;
}
}
if(data6.restart !== undefined){
let data26 = data6.restart;
if(data26 && typeof data26 == "object" && !Array.isArray(data26)){
for(const key5 in data26){
if(!(((((key5 === "policy") || (key5 === "initialBackoffSeconds")) || (key5 === "maxBackoffSeconds")) || (key5 === "maxRestarts")) || (key5 === "windowSeconds"))){
const err64 = {instancePath:instancePath+"/nodes/" + i0+"/restart",schemaPath:"#/properties/nodes/items/properties/restart/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key5},message:"must NOT have additional properties",schema:false,parentSchema:schema14.properties.nodes.items.properties.restart,data:data26};
if(vErrors === null){
vErrors = [err64];
}
else {
vErrors.push(err64);
}
errors++;
}
}
if(data26.policy !== undefined){
let data27 = data26.policy;
if(typeof data27 !== "string"){
const err65 = {instancePath:instancePath+"/nodes/" + i0+"/restart/policy",schemaPath:"#/properties/nodes/items/properties/restart/properties/policy/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema14.properties.nodes.items.properties.restart.properties.policy.type,parentSchema:schema14.properties.nodes.items.properties.restart.properties.policy,data:data27};
if(vErrors === null){
vErrors = [err65];
}
else {
vErrors.push(err65);
}
errors++;
}
if(!((data27 === "OnFailure") || (data27 === "Never"))){
const err66 = {instancePath:instancePath+"/nodes/" + i0+"/restart/policy",schemaPath:"#/properties/nodes/items/properties/restart/properties/policy/enum",keyword:"enum",params:{allowedValues: schema14.properties.nodes.items.properties.restart.properties.policy.enum},message:"must be equal to one of the allowed values",schema:schema14.properties.nodes.items.properties.restart.properties.policy.enum,parentSchema:schema14.properties.nodes.items.properties.restart.properties.policy,data:data27};
if(vErrors === null){
vErrors = [err66];
}
else {
vErrors.push(err66);
}
errors++;
}
}
if(data26.initialBackoffSeconds !== undefined){
let data28 = data26.initialBackoffSeconds;
if(typeof data28 == "number"){
if(data28 > 3600 || isNaN(data28)){
const err67 = {instancePath:instancePath+"/nodes/" + i0+"/restart/initialBackoffSeconds",schemaPath:"#/properties/nodes/items/properties/restart/properties/initialBackoffSeconds/maximum",keyword:"maximum",params:{comparison: "<=", limit: 3600},message:"must be <= 3600",schema:3600,parentSchema:schema14.properties.nodes.items.properties.restart.properties.initialBackoffSeconds,data:data28};
if(vErrors === null){
vErrors = [err67];
}
else {
vErrors.push(err67);
}
errors++;
}
if(data28 < 0 || isNaN(data28)){
const err68 = {instancePath:instancePath+"/nodes/" + i0+"/restart/initialBackoffSeconds",schemaPath:"#/properties/nodes/items/properties/restart/properties/initialBackoffSeconds/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},message:"must be >= 0",schema:0,parentSchema:schema14.properties.nodes.items.properties.restart.properties.initialBackoffSeconds,data:data28};
if(vErrors === null){
vErrors = [err68];
}
else {
vErrors.push(err68);
}
errors++;
}
}
else {
const err69 = {instancePath:instancePath+"/nodes/" + i0+"/restart/initialBackoffSeconds",schemaPath:"#/properties/nodes/items/properties/restart/properties/initialBackoffSeconds/type",keyword:"type",params:{type: "number"},message:"must be number",schema:schema14.properties.nodes.items.properties.restart.properties.initialBackoffSeconds.type,parentSchema:schema14.properties.nodes.items.properties.restart.properties.initialBackoffSeconds,data:data28};
if(vErrors === null){
vErrors = [err69];
}
else {
vErrors.push(err69);
}
errors++;
}
}
if(data26.maxBackoffSeconds !== undefined){
let data29 = data26.maxBackoffSeconds;
if(typeof data29 == "number"){
if(data29 > 86400 || isNaN(data29)){
const err70 = {instancePath:instancePath+"/nodes/" + i0+"/restart/maxBackoffSeconds",schemaPath:"#/properties/nodes/items/properties/restart/properties/maxBackoffSeconds/maximum",keyword:"maximum",params:{comparison: "<=", limit: 86400},message:"must be <= 86400",schema:86400,parentSchema:schema14.properties.nodes.items.properties.restart.properties.maxBackoffSeconds,data:data29};
if(vErrors === null){
vErrors = [err70];
}
else {
vErrors.push(err70);
}
errors++;
}
if(data29 < 0 || isNaN(data29)){
const err71 = {instancePath:instancePath+"/nodes/" + i0+"/restart/maxBackoffSeconds",schemaPath:"#/properties/nodes/items/properties/restart/properties/maxBackoffSeconds/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},message:"must be >= 0",schema:0,parentSchema:schema14.properties.nodes.items.properties.restart.properties.maxBackoffSeconds,data:data29};
if(vErrors === null){
vErrors = [err71];
}
else {
vErrors.push(err71);
}
errors++;
}
}
else {
const err72 = {instancePath:instancePath+"/nodes/" + i0+"/restart/maxBackoffSeconds",schemaPath:"#/properties/nodes/items/properties/restart/properties/maxBackoffSeconds/type",keyword:"type",params:{type: "number"},message:"must be number",schema:schema14.properties.nodes.items.properties.restart.properties.maxBackoffSeconds.type,parentSchema:schema14.properties.nodes.items.properties.restart.properties.maxBackoffSeconds,data:data29};
if(vErrors === null){
vErrors = [err72];
}
else {
vErrors.push(err72);
}
errors++;
}
}
if(data26.maxRestarts !== undefined){
let data30 = data26.maxRestarts;
if(!((typeof data30 == "number") && (!(data30 % 1) && !isNaN(data30)))){
const err73 = {instancePath:instancePath+"/nodes/" + i0+"/restart/maxRestarts",schemaPath:"#/properties/nodes/items/properties/restart/properties/maxRestarts/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema14.properties.nodes.items.properties.restart.properties.maxRestarts.type,parentSchema:schema14.properties.nodes.items.properties.restart.properties.maxRestarts,data:data30};
if(vErrors === null){
vErrors = [err73];
}
else {
vErrors.push(err73);
}
errors++;
}
if(typeof data30 == "number"){
if(data30 > 1000000 || isNaN(data30)){
const err74 = {instancePath:instancePath+"/nodes/" + i0+"/restart/maxRestarts",schemaPath:"#/properties/nodes/items/properties/restart/properties/maxRestarts/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1000000},message:"must be <= 1000000",schema:1000000,parentSchema:schema14.properties.nodes.items.properties.restart.properties.maxRestarts,data:data30};
if(vErrors === null){
vErrors = [err74];
}
else {
vErrors.push(err74);
}
errors++;
}
if(data30 < 0 || isNaN(data30)){
const err75 = {instancePath:instancePath+"/nodes/" + i0+"/restart/maxRestarts",schemaPath:"#/properties/nodes/items/properties/restart/properties/maxRestarts/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},message:"must be >= 0",schema:0,parentSchema:schema14.properties.nodes.items.properties.restart.properties.maxRestarts,data:data30};
if(vErrors === null){
vErrors = [err75];
}
else {
vErrors.push(err75);
}
errors++;
}
}
}
if(data26.windowSeconds !== undefined){
let data31 = data26.windowSeconds;
if(!((typeof data31 == "number") && (!(data31 % 1) && !isNaN(data31)))){
const err76 = {instancePath:instancePath+"/nodes/" + i0+"/restart/windowSeconds",schemaPath:"#/properties/nodes/items/properties/restart/properties/windowSeconds/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema14.properties.nodes.items.properties.restart.properties.windowSeconds.type,parentSchema:schema14.properties.nodes.items.properties.restart.properties.windowSeconds,data:data31};
if(vErrors === null){
vErrors = [err76];
}
else {
vErrors.push(err76);
}
errors++;
}
if(typeof data31 == "number"){
if(data31 > 31536000 || isNaN(data31)){
const err77 = {instancePath:instancePath+"/nodes/" + i0+"/restart/windowSeconds",schemaPath:"#/properties/nodes/items/properties/restart/properties/windowSeconds/maximum",keyword:"maximum",params:{comparison: "<=", limit: 31536000},message:"must be <= 31536000",schema:31536000,parentSchema:schema14.properties.nodes.items.properties.restart.properties.windowSeconds,data:data31};
if(vErrors === null){
vErrors = [err77];
}
else {
vErrors.push(err77);
}
errors++;
}
if(data31 < 1 || isNaN(data31)){
const err78 = {instancePath:instancePath+"/nodes/" + i0+"/restart/windowSeconds",schemaPath:"#/properties/nodes/items/properties/restart/properties/windowSeconds/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},message:"must be >= 1",schema:1,parentSchema:schema14.properties.nodes.items.properties.restart.properties.windowSeconds,data:data31};
if(vErrors === null){
vErrors = [err78];
}
else {
vErrors.push(err78);
}
errors++;
}
}
}
}
else {
const err79 = {instancePath:instancePath+"/nodes/" + i0+"/restart",schemaPath:"#/properties/nodes/items/properties/restart/type",keyword:"type",params:{type: "object"},message:"must be object",schema:schema14.properties.nodes.items.properties.restart.type,parentSchema:schema14.properties.nodes.items.properties.restart,data:data26};
if(vErrors === null){
vErrors = [err79];
}
else {
vErrors.push(err79);
}
errors++;
}
}
if(data6.retries !== undefined){
let data32 = data6.retries;
if(!((typeof data32 == "number") && (!(data32 % 1) && !isNaN(data32)))){
const err80 = {instancePath:instancePath+"/nodes/" + i0+"/retries",schemaPath:"#/properties/nodes/items/properties/retries/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema14.properties.nodes.items.properties.retries.type,parentSchema:schema14.properties.nodes.items.properties.retries,data:data32};
if(vErrors === null){
vErrors = [err80];
}
else {
vErrors.push(err80);
}
errors++;
}
if(typeof data32 == "number"){
if(data32 > 1000 || isNaN(data32)){
const err81 = {instancePath:instancePath+"/nodes/" + i0+"/retries",schemaPath:"#/properties/nodes/items/properties/retries/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1000},message:"must be <= 1000",schema:1000,parentSchema:schema14.properties.nodes.items.properties.retries,data:data32};
if(vErrors === null){
vErrors = [err81];
}
else {
vErrors.push(err81);
}
errors++;
}
if(data32 < 0 || isNaN(data32)){
const err82 = {instancePath:instancePath+"/nodes/" + i0+"/retries",schemaPath:"#/properties/nodes/items/properties/retries/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},message:"must be >= 0",schema:0,parentSchema:schema14.properties.nodes.items.properties.retries,data:data32};
if(vErrors === null){
vErrors = [err82];
}
else {
vErrors.push(err82);
}
errors++;
}
}
}
if(data6.env !== undefined){
let data33 = data6.env;
if(Array.isArray(data33)){
if(data33.length > 256){
const err83 = {instancePath:instancePath+"/nodes/" + i0+"/env",schemaPath:"#/properties/nodes/items/properties/env/maxItems",keyword:"maxItems",params:{limit: 256},message:"must NOT have more than 256 items",schema:256,parentSchema:schema14.properties.nodes.items.properties.env,data:data33};
if(vErrors === null){
vErrors = [err83];
}
else {
vErrors.push(err83);
}
errors++;
}
const len2 = data33.length;
for(let i2=0; i2<len2; i2++){
let data34 = data33[i2];
if(data34 && typeof data34 == "object" && !Array.isArray(data34)){
if(data34.name === undefined){
const err84 = {instancePath:instancePath+"/nodes/" + i0+"/env/" + i2,schemaPath:"#/properties/nodes/items/properties/env/items/required",keyword:"required",params:{missingProperty: "name"},message:"must have required property '"+"name"+"'",schema:schema14.properties.nodes.items.properties.env.items.required,parentSchema:schema14.properties.nodes.items.properties.env.items,data:data34};
if(vErrors === null){
vErrors = [err84];
}
else {
vErrors.push(err84);
}
errors++;
}
if(data34.value === undefined){
const err85 = {instancePath:instancePath+"/nodes/" + i0+"/env/" + i2,schemaPath:"#/properties/nodes/items/properties/env/items/required",keyword:"required",params:{missingProperty: "value"},message:"must have required property '"+"value"+"'",schema:schema14.properties.nodes.items.properties.env.items.required,parentSchema:schema14.properties.nodes.items.properties.env.items,data:data34};
if(vErrors === null){
vErrors = [err85];
}
else {
vErrors.push(err85);
}
errors++;
}
for(const key6 in data34){
if(!((key6 === "name") || (key6 === "value"))){
const err86 = {instancePath:instancePath+"/nodes/" + i0+"/env/" + i2,schemaPath:"#/properties/nodes/items/properties/env/items/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key6},message:"must NOT have additional properties",schema:false,parentSchema:schema14.properties.nodes.items.properties.env.items,data:data34};
if(vErrors === null){
vErrors = [err86];
}
else {
vErrors.push(err86);
}
errors++;
}
}
if(data34.name !== undefined){
let data35 = data34.name;
if(typeof data35 === "string"){
if(func5(data35) > 256){
const err87 = {instancePath:instancePath+"/nodes/" + i0+"/env/" + i2+"/name",schemaPath:"#/properties/nodes/items/properties/env/items/properties/name/maxLength",keyword:"maxLength",params:{limit: 256},message:"must NOT have more than 256 characters",schema:256,parentSchema:schema14.properties.nodes.items.properties.env.items.properties.name,data:data35};
if(vErrors === null){
vErrors = [err87];
}
else {
vErrors.push(err87);
}
errors++;
}
if(func5(data35) < 1){
const err88 = {instancePath:instancePath+"/nodes/" + i0+"/env/" + i2+"/name",schemaPath:"#/properties/nodes/items/properties/env/items/properties/name/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters",schema:1,parentSchema:schema14.properties.nodes.items.properties.env.items.properties.name,data:data35};
if(vErrors === null){
vErrors = [err88];
}
else {
vErrors.push(err88);
}
errors++;
}
if(!pattern3.test(data35)){
const err89 = {instancePath:instancePath+"/nodes/" + i0+"/env/" + i2+"/name",schemaPath:"#/properties/nodes/items/properties/env/items/properties/name/pattern",keyword:"pattern",params:{pattern: "^[A-Za-z_][A-Za-z0-9_]*$"},message:"must match pattern \""+"^[A-Za-z_][A-Za-z0-9_]*$"+"\"",schema:"^[A-Za-z_][A-Za-z0-9_]*$",parentSchema:schema14.properties.nodes.items.properties.env.items.properties.name,data:data35};
if(vErrors === null){
vErrors = [err89];
}
else {
vErrors.push(err89);
}
errors++;
}
}
else {
const err90 = {instancePath:instancePath+"/nodes/" + i0+"/env/" + i2+"/name",schemaPath:"#/properties/nodes/items/properties/env/items/properties/name/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema14.properties.nodes.items.properties.env.items.properties.name.type,parentSchema:schema14.properties.nodes.items.properties.env.items.properties.name,data:data35};
if(vErrors === null){
vErrors = [err90];
}
else {
vErrors.push(err90);
}
errors++;
}
}
if(data34.value !== undefined){
let data36 = data34.value;
if(typeof data36 === "string"){
if(func5(data36) > 32768){
const err91 = {instancePath:instancePath+"/nodes/" + i0+"/env/" + i2+"/value",schemaPath:"#/properties/nodes/items/properties/env/items/properties/value/maxLength",keyword:"maxLength",params:{limit: 32768},message:"must NOT have more than 32768 characters",schema:32768,parentSchema:schema14.properties.nodes.items.properties.env.items.properties.value,data:data36};
if(vErrors === null){
vErrors = [err91];
}
else {
vErrors.push(err91);
}
errors++;
}
}
else {
const err92 = {instancePath:instancePath+"/nodes/" + i0+"/env/" + i2+"/value",schemaPath:"#/properties/nodes/items/properties/env/items/properties/value/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema14.properties.nodes.items.properties.env.items.properties.value.type,parentSchema:schema14.properties.nodes.items.properties.env.items.properties.value,data:data36};
if(vErrors === null){
vErrors = [err92];
}
else {
vErrors.push(err92);
}
errors++;
}
}
}
else {
const err93 = {instancePath:instancePath+"/nodes/" + i0+"/env/" + i2,schemaPath:"#/properties/nodes/items/properties/env/items/type",keyword:"type",params:{type: "object"},message:"must be object",schema:schema14.properties.nodes.items.properties.env.items.type,parentSchema:schema14.properties.nodes.items.properties.env.items,data:data34};
if(vErrors === null){
vErrors = [err93];
}
else {
vErrors.push(err93);
}
errors++;
}
}
}
else {
const err94 = {instancePath:instancePath+"/nodes/" + i0+"/env",schemaPath:"#/properties/nodes/items/properties/env/type",keyword:"type",params:{type: "array"},message:"must be array",schema:schema14.properties.nodes.items.properties.env.type,parentSchema:schema14.properties.nodes.items.properties.env,data:data33};
if(vErrors === null){
vErrors = [err94];
}
else {
vErrors.push(err94);
}
errors++;
}
}
if(data6.workingDir !== undefined){
let data37 = data6.workingDir;
if(typeof data37 === "string"){
if(func5(data37) > 4096){
const err95 = {instancePath:instancePath+"/nodes/" + i0+"/workingDir",schemaPath:"#/properties/nodes/items/properties/workingDir/maxLength",keyword:"maxLength",params:{limit: 4096},message:"must NOT have more than 4096 characters",schema:4096,parentSchema:schema14.properties.nodes.items.properties.workingDir,data:data37};
if(vErrors === null){
vErrors = [err95];
}
else {
vErrors.push(err95);
}
errors++;
}
}
else {
const err96 = {instancePath:instancePath+"/nodes/" + i0+"/workingDir",schemaPath:"#/properties/nodes/items/properties/workingDir/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema14.properties.nodes.items.properties.workingDir.type,parentSchema:schema14.properties.nodes.items.properties.workingDir,data:data37};
if(vErrors === null){
vErrors = [err96];
}
else {
vErrors.push(err96);
}
errors++;
}
}
if(data6.startupDeadlineSeconds !== undefined){
let data38 = data6.startupDeadlineSeconds;
if(!((typeof data38 == "number") && (!(data38 % 1) && !isNaN(data38)))){
const err97 = {instancePath:instancePath+"/nodes/" + i0+"/startupDeadlineSeconds",schemaPath:"#/properties/nodes/items/properties/startupDeadlineSeconds/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema14.properties.nodes.items.properties.startupDeadlineSeconds.type,parentSchema:schema14.properties.nodes.items.properties.startupDeadlineSeconds,data:data38};
if(vErrors === null){
vErrors = [err97];
}
else {
vErrors.push(err97);
}
errors++;
}
if(typeof data38 == "number"){
if(data38 > 86400 || isNaN(data38)){
const err98 = {instancePath:instancePath+"/nodes/" + i0+"/startupDeadlineSeconds",schemaPath:"#/properties/nodes/items/properties/startupDeadlineSeconds/maximum",keyword:"maximum",params:{comparison: "<=", limit: 86400},message:"must be <= 86400",schema:86400,parentSchema:schema14.properties.nodes.items.properties.startupDeadlineSeconds,data:data38};
if(vErrors === null){
vErrors = [err98];
}
else {
vErrors.push(err98);
}
errors++;
}
if(data38 < 1 || isNaN(data38)){
const err99 = {instancePath:instancePath+"/nodes/" + i0+"/startupDeadlineSeconds",schemaPath:"#/properties/nodes/items/properties/startupDeadlineSeconds/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},message:"must be >= 1",schema:1,parentSchema:schema14.properties.nodes.items.properties.startupDeadlineSeconds,data:data38};
if(vErrors === null){
vErrors = [err99];
}
else {
vErrors.push(err99);
}
errors++;
}
}
}
if(data6.progressDeadlineSeconds !== undefined){
let data39 = data6.progressDeadlineSeconds;
if(!((typeof data39 == "number") && (!(data39 % 1) && !isNaN(data39)))){
const err100 = {instancePath:instancePath+"/nodes/" + i0+"/progressDeadlineSeconds",schemaPath:"#/properties/nodes/items/properties/progressDeadlineSeconds/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema14.properties.nodes.items.properties.progressDeadlineSeconds.type,parentSchema:schema14.properties.nodes.items.properties.progressDeadlineSeconds,data:data39};
if(vErrors === null){
vErrors = [err100];
}
else {
vErrors.push(err100);
}
errors++;
}
if(typeof data39 == "number"){
if(data39 > 86400 || isNaN(data39)){
const err101 = {instancePath:instancePath+"/nodes/" + i0+"/progressDeadlineSeconds",schemaPath:"#/properties/nodes/items/properties/progressDeadlineSeconds/maximum",keyword:"maximum",params:{comparison: "<=", limit: 86400},message:"must be <= 86400",schema:86400,parentSchema:schema14.properties.nodes.items.properties.progressDeadlineSeconds,data:data39};
if(vErrors === null){
vErrors = [err101];
}
else {
vErrors.push(err101);
}
errors++;
}
if(data39 < 1 || isNaN(data39)){
const err102 = {instancePath:instancePath+"/nodes/" + i0+"/progressDeadlineSeconds",schemaPath:"#/properties/nodes/items/properties/progressDeadlineSeconds/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},message:"must be >= 1",schema:1,parentSchema:schema14.properties.nodes.items.properties.progressDeadlineSeconds,data:data39};
if(vErrors === null){
vErrors = [err102];
}
else {
vErrors.push(err102);
}
errors++;
}
}
}
if(data6.terminationGracePeriodSeconds !== undefined){
let data40 = data6.terminationGracePeriodSeconds;
if(!((typeof data40 == "number") && (!(data40 % 1) && !isNaN(data40)))){
const err103 = {instancePath:instancePath+"/nodes/" + i0+"/terminationGracePeriodSeconds",schemaPath:"#/properties/nodes/items/properties/terminationGracePeriodSeconds/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema14.properties.nodes.items.properties.terminationGracePeriodSeconds.type,parentSchema:schema14.properties.nodes.items.properties.terminationGracePeriodSeconds,data:data40};
if(vErrors === null){
vErrors = [err103];
}
else {
vErrors.push(err103);
}
errors++;
}
if(typeof data40 == "number"){
if(data40 > 86400 || isNaN(data40)){
const err104 = {instancePath:instancePath+"/nodes/" + i0+"/terminationGracePeriodSeconds",schemaPath:"#/properties/nodes/items/properties/terminationGracePeriodSeconds/maximum",keyword:"maximum",params:{comparison: "<=", limit: 86400},message:"must be <= 86400",schema:86400,parentSchema:schema14.properties.nodes.items.properties.terminationGracePeriodSeconds,data:data40};
if(vErrors === null){
vErrors = [err104];
}
else {
vErrors.push(err104);
}
errors++;
}
if(data40 < 0 || isNaN(data40)){
const err105 = {instancePath:instancePath+"/nodes/" + i0+"/terminationGracePeriodSeconds",schemaPath:"#/properties/nodes/items/properties/terminationGracePeriodSeconds/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},message:"must be >= 0",schema:0,parentSchema:schema14.properties.nodes.items.properties.terminationGracePeriodSeconds,data:data40};
if(vErrors === null){
vErrors = [err105];
}
else {
vErrors.push(err105);
}
errors++;
}
}
}
if(data6.buffer !== undefined){
let data41 = data6.buffer;
if(data41 && typeof data41 == "object" && !Array.isArray(data41)){
for(const key7 in data41){
if(!((key7 === "messages") || (key7 === "bytes"))){
const err106 = {instancePath:instancePath+"/nodes/" + i0+"/buffer",schemaPath:"#/properties/nodes/items/properties/buffer/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key7},message:"must NOT have additional properties",schema:false,parentSchema:schema14.properties.nodes.items.properties.buffer,data:data41};
if(vErrors === null){
vErrors = [err106];
}
else {
vErrors.push(err106);
}
errors++;
}
}
if(data41.messages !== undefined){
let data42 = data41.messages;
if(!((typeof data42 == "number") && (!(data42 % 1) && !isNaN(data42)))){
const err107 = {instancePath:instancePath+"/nodes/" + i0+"/buffer/messages",schemaPath:"#/properties/nodes/items/properties/buffer/properties/messages/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema14.properties.nodes.items.properties.buffer.properties.messages.type,parentSchema:schema14.properties.nodes.items.properties.buffer.properties.messages,data:data42};
if(vErrors === null){
vErrors = [err107];
}
else {
vErrors.push(err107);
}
errors++;
}
if(typeof data42 == "number"){
if(data42 > 4096 || isNaN(data42)){
const err108 = {instancePath:instancePath+"/nodes/" + i0+"/buffer/messages",schemaPath:"#/properties/nodes/items/properties/buffer/properties/messages/maximum",keyword:"maximum",params:{comparison: "<=", limit: 4096},message:"must be <= 4096",schema:4096,parentSchema:schema14.properties.nodes.items.properties.buffer.properties.messages,data:data42};
if(vErrors === null){
vErrors = [err108];
}
else {
vErrors.push(err108);
}
errors++;
}
if(data42 < 1 || isNaN(data42)){
const err109 = {instancePath:instancePath+"/nodes/" + i0+"/buffer/messages",schemaPath:"#/properties/nodes/items/properties/buffer/properties/messages/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},message:"must be >= 1",schema:1,parentSchema:schema14.properties.nodes.items.properties.buffer.properties.messages,data:data42};
if(vErrors === null){
vErrors = [err109];
}
else {
vErrors.push(err109);
}
errors++;
}
}
}
if(data41.bytes !== undefined){
let data43 = data41.bytes;
if(!((typeof data43 == "number") && (!(data43 % 1) && !isNaN(data43)))){
const err110 = {instancePath:instancePath+"/nodes/" + i0+"/buffer/bytes",schemaPath:"#/properties/nodes/items/properties/buffer/properties/bytes/type",keyword:"type",params:{type: "integer"},message:"must be integer",schema:schema14.properties.nodes.items.properties.buffer.properties.bytes.type,parentSchema:schema14.properties.nodes.items.properties.buffer.properties.bytes,data:data43};
if(vErrors === null){
vErrors = [err110];
}
else {
vErrors.push(err110);
}
errors++;
}
if(typeof data43 == "number"){
if(data43 > 1099511627776 || isNaN(data43)){
const err111 = {instancePath:instancePath+"/nodes/" + i0+"/buffer/bytes",schemaPath:"#/properties/nodes/items/properties/buffer/properties/bytes/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1099511627776},message:"must be <= 1099511627776",schema:1099511627776,parentSchema:schema14.properties.nodes.items.properties.buffer.properties.bytes,data:data43};
if(vErrors === null){
vErrors = [err111];
}
else {
vErrors.push(err111);
}
errors++;
}
if(data43 < 1 || isNaN(data43)){
const err112 = {instancePath:instancePath+"/nodes/" + i0+"/buffer/bytes",schemaPath:"#/properties/nodes/items/properties/buffer/properties/bytes/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},message:"must be >= 1",schema:1,parentSchema:schema14.properties.nodes.items.properties.buffer.properties.bytes,data:data43};
if(vErrors === null){
vErrors = [err112];
}
else {
vErrors.push(err112);
}
errors++;
}
}
}
}
else {
const err113 = {instancePath:instancePath+"/nodes/" + i0+"/buffer",schemaPath:"#/properties/nodes/items/properties/buffer/type",keyword:"type",params:{type: "object"},message:"must be object",schema:schema14.properties.nodes.items.properties.buffer.type,parentSchema:schema14.properties.nodes.items.properties.buffer,data:data41};
if(vErrors === null){
vErrors = [err113];
}
else {
vErrors.push(err113);
}
errors++;
}
}
}
else {
const err114 = {instancePath:instancePath+"/nodes/" + i0,schemaPath:"#/properties/nodes/items/type",keyword:"type",params:{type: "object"},message:"must be object",schema:schema14.properties.nodes.items.type,parentSchema:schema14.properties.nodes.items,data:data6};
if(vErrors === null){
vErrors = [err114];
}
else {
vErrors.push(err114);
}
errors++;
}
}
}
else {
const err115 = {instancePath:instancePath+"/nodes",schemaPath:"#/properties/nodes/type",keyword:"type",params:{type: "array"},message:"must be array",schema:schema14.properties.nodes.type,parentSchema:schema14.properties.nodes,data:data5};
if(vErrors === null){
vErrors = [err115];
}
else {
vErrors.push(err115);
}
errors++;
}
}
}
else {
const err116 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"},message:"must be object",schema:schema14.type,parentSchema:schema14,data};
if(vErrors === null){
vErrors = [err116];
}
else {
vErrors.push(err116);
}
errors++;
}
validate13.errors = vErrors;
return errors === 0;
}
