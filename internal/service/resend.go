package service

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// ResendInput says how a message is sent once more.
type ResendInput struct {
	Payload  []byte // instead of the task's source payload; nil: the same
	Resource string // the only one to go to, unless the new task is retried; "": all of the endpoint
	Confirm  bool   // send although the message was or will be sent otherwise
}

// ResendTask makes a new task of an old one, through the checks of the intake,
// and gives it. The old task stays as it is; but a held one, which the new one
// replaces, is stopped.
func (s *Service) ResendTask(ctx context.Context, p dispatchapy.Principal, id int64, in ResendInput) (*TaskDetail, error) {
	if err := require(p, dispatchapy.ActOnTasks); err != nil {
		return nil, err
	}
	if _, err := s.taskOf(ctx, p, id); err != nil {
		return nil, err
	}
	// Of two at the same time, as by a double click, neither would see that the
	// other one has sent the message again.
	if _, busy := s.resending.LoadOrStore(id, true); busy {
		return nil, dispatchapy.Errorf(dispatchapy.CodeConflict, "task %d is being sent again at this moment: look at it afterwards", id)
	}
	defer s.resending.Delete(id)
	old, err := s.taskOf(ctx, p, id)
	if err != nil {
		return nil, err
	}
	if err := mayResend(&old, in.Confirm); err != nil {
		return nil, err
	}
	message, err := s.resubmission(&old.Task, in)
	if err != nil {
		return nil, err
	}
	message.Note, message.By = fmt.Sprintf("made from task %d by %s", id, p.Name), p.Name
	var created int64
	if old.Task.Status == dispatchapy.StatusHeld {
		created, err = s.replaceHeld(ctx, p, id, message)
	} else {
		var receipt dispatchapy.Receipt
		receipt, err = s.delivery.Submitter.Submit(context.WithoutCancel(ctx), message)
		created = receipt.TaskID
	}
	if err != nil {
		return nil, storeError(err)
	}
	detail, err := s.Task(ctx, p, created)
	return &detail, err
}

// mayResend refuses what would make a message arrive twice, unless that is
// confirmed.
func mayResend(d *store.TaskDetail, confirmed bool) error {
	t := &d.Task
	switch {
	case t.Status == dispatchapy.StatusProcessing:
		return dispatchapy.Errorf(dispatchapy.CodeConflict, "task %d is being sent: wait for the outcome", t.ID)
	case confirmed:
		return nil
	case len(d.Resent) > 0:
		return dispatchapy.Errorf(dispatchapy.CodeConflict, "task %d was sent again as task %d already: confirm that it is to be sent once more", t.ID, d.Resent[len(d.Resent)-1])
	case t.Status == dispatchapy.StatusSuccess:
		return dispatchapy.Errorf(dispatchapy.CodeConflict, "task %d was delivered: confirm that its message is to be sent again", t.ID)
	case t.Status == dispatchapy.StatusPending:
		return dispatchapy.Errorf(dispatchapy.CodeConflict, "task %d is pending and will be sent itself: stop it first, or confirm that both are to be sent", t.ID)
	}
	return nil
}

// resubmission takes the message through the checks of the intake.
func (s *Service) resubmission(old *dispatchapy.Task, in ResendInput) (dispatchapy.Submission, error) {
	snapshot := s.table.Load()
	endpoint, client := snapshot.EndpointByID(old.EndpointID), snapshot.ClientByID(old.ClientID)
	switch {
	case endpoint == nil:
		return dispatchapy.Submission{}, dispatchapy.Errorf(dispatchapy.CodeConflict, "the endpoint of task %d was deleted", old.ID)
	case client == nil:
		return dispatchapy.Submission{}, dispatchapy.Errorf(dispatchapy.CodeConflict, "the client of task %d was deleted", old.ID)
	case !endpoint.IsActive():
		return dispatchapy.Submission{}, dispatchapy.Errorf(dispatchapy.CodeConflict, "endpoint %s is switched off", endpoint.Path)
	case !endpoint.Allows(client):
		return dispatchapy.Submission{}, dispatchapy.Errorf(dispatchapy.CodeConflict, "client %s may not use endpoint %s any more", client.Name, endpoint.Path)
	}
	source := in.Payload
	if source == nil {
		source = old.Source
	}
	message, status, detail := s.delivery.Judge(endpoint, client, source)
	if status != http.StatusOK {
		return message, invalid("payload", detail)
	}
	message.ResendOf = old.ID
	if in.Resource != "" {
		refused, err := allBut(endpoint, in.Resource)
		if err != nil {
			return message, err
		}
		message.Refused = refused
	}
	return message, nil
}

// allBut gives the endpoint's resources without the one that is to be used.
func allBut(endpoint *routing.Endpoint, name string) ([]int64, error) {
	if !slices.Contains(endpoint.Resources, name) {
		return nil, invalid("resource", "is not among the resources of endpoint "+endpoint.Path)
	}
	var ids []int64
	for _, route := range endpoint.Routes {
		if route.Resource.Name != name {
			ids = append(ids, route.Resource.ID)
		}
	}
	return ids, nil
}

// replaceHeld makes the new task in the place of a held one and lets it go. It
// is held, too, until the old one is stopped: whatever breaks off in between,
// and whoever else acts on the old one, the message is neither sent twice nor
// lost.
func (s *Service) replaceHeld(ctx context.Context, p dispatchapy.Principal, old int64, message dispatchapy.Submission) (int64, error) {
	ctx = context.WithoutCancel(ctx) // half of it helps nobody
	message.Hold = fmt.Sprintf("held until task %d, which it replaces, is stopped", old)
	receipt, err := s.delivery.Submitter.Submit(ctx, message)
	if err != nil {
		return 0, err
	}
	if err := s.act(ctx, p, old, store.Transition{Action: dispatchapy.ActionStop, Successor: receipt.TaskID}); err != nil {
		if undo := s.actOn(ctx, p, dispatchapy.ActionDelete, receipt.TaskID); undo != nil {
			s.log.Warn("a held task could not be taken back", "task", receipt.TaskID, "replaces", old, "error", undo)
		}
		return 0, err
	}
	return receipt.TaskID, s.actOn(ctx, p, dispatchapy.ActionSend, receipt.TaskID)
}
